/* As benign.py, compiled. */
#include <stdio.h>
#include <sys/stat.h>

int main(void)
{
    puts("BEGIN B4");
    mkdir("results", 0777);
    mkdir("results/deep", 0777);
    FILE *file = fopen("results/deep/answer.txt", "w");
    if (!file || fputs("forty-two", file) < 0 || fclose(file) != 0)
        return 1;
    puts("ANSWER 42");
    puts("END B4");
    return 0;
}
