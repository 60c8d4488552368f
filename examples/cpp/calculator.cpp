/*
 * One call in C++17.
 *
 *     ./calculator ../../skills
 */
#include <iostream>

#include <skilllite.hpp>

int main(int argc, char **argv)
try {
    skl::Engine engine;
    engine.load(argc > 1 ? argv[1] : "skills");
    std::cout << engine.execute("calculator", R"({"operation": "multiply", "a": 15, "b": 27})").view() << '\n';
} catch (const skl::Error &error) {
    std::cerr << error.name() << ": " << error.what() << '\n';
    return 1;
}
