/* Prints a document with its arguments' count; built dynamic and static. */
#include <stdio.h>

int main(int argc, char **argv) {
    (void)argv;
    printf("{\"language\":\"native\",\"arguments\":%d}\n", argc - 1);
    return 0;
}
