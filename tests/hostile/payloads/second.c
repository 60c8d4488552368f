/* A program that nobody allowed. */
#include <stdio.h>

int main(int count, char **words)
{
    printf("REACHED a second program by %s\nEND\n", count > 1 ? words[1] : "exec");
    return 0;
}
