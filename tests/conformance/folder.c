/* See folder.h. */
#define _XOPEN_SOURCE 700
#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int delete_one(const char *path, const struct stat *about, int type, struct FTW *walk) {
    (void)about, (void)type, (void)walk;
    return remove(path);
}

bool folder_delete(const char *path) { return nftw(path, delete_one, 16, FTW_DEPTH | FTW_PHYS) == 0; }

json_t *folder_text(const json_t *content) {
    json_t *line;
    size_t index, used = 0, size = 1;
    char *text;
    json_t *joined;
    if (!json_is_array(content)) return json_incref((json_t *)content);
    json_array_foreach(content, index, line) size += json_string_length(line) + 1;
    text = malloc(size);
    if (!text) exit(2);
    json_array_foreach(content, index, line) {
        memcpy(text + used, json_string_value(line), json_string_length(line));
        used += json_string_length(line);
        text[used++] = '\n';
    }
    joined = json_stringn(text, used);
    free(text);
    return joined;
}

bool folder_put(const char *folder, const char *name, const json_t *content, const char *mode) {
    char path[8192], *slash;
    json_t *text = folder_text(content);
    FILE *file;
    bool is_done;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        if (mkdir(path, 0755) == 0) chmod(path, 0755);
        *slash = '/';
    }
    file = fopen(path, "w");
    is_done = file && json_is_string(text) && fwrite(json_string_value(text), 1, json_string_length(text), file) == json_string_length(text);
    if (file) is_done = fclose(file) == 0 && chmod(path, (mode_t)strtol(mode, NULL, 8)) == 0 && is_done;
    json_decref(text);
    return is_done;
}

json_t *folder_replace(const json_t *value, const char *folder) {
    static const char mark[] = "@DIR@";
    const char *key;
    json_t *inner, *copy;
    size_t index;
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach((json_t *)value, key, inner) json_object_set_new(copy, key, folder_replace(inner, folder));
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, index, inner) json_array_append_new(copy, folder_replace(inner, folder));
        return copy;
    }
    if (json_is_string(value) && strstr(json_string_value(value), mark)) {
        const char *from = json_string_value(value), *end = from + json_string_length(value);
        char *text = malloc(json_string_length(value) * (strlen(folder) + 1) + 1), *to = text;
        if (!text) exit(2);
        while (from < end) {
            if ((size_t)(end - from) >= sizeof mark - 1 && memcmp(from, mark, sizeof mark - 1) == 0) {
                to += sprintf(to, "%s", folder);
                from += sizeof mark - 1;
            } else {
                *to++ = *from++;
            }
        }
        copy = json_stringn(text, (size_t)(to - text));
        free(text);
        return copy;
    }
    return json_incref((json_t *)value);
}
