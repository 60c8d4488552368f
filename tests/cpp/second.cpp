/* A second unit of the program: the header defines nothing twice. */
#include <skilllite.hpp>

#include <skilllite.hpp>

std::string second_version();
std::string second_version() { return std::string(skl::version()); }
