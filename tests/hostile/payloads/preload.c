/* Loaded by LD_PRELOAD, if anybody lets it. */
#include <unistd.h>
__attribute__((constructor)) static void loaded(void)
{
    static const char line[] = "REACHED preload\n";
    (void)!write(1, line, sizeof line - 1);
}
