/* The folder of a case, and what of the case depends on it. */
#ifndef FOLDER_H
#define FOLDER_H

#include <jansson.h>
#include <stdbool.h>

/* Writes a file, and the folders that it needs, below `folder`. `mode` is octal digits. False with errno set. */
bool folder_put(const char *folder, const char *name, const json_t *content, const char *mode);
/* Deletes a file, or a folder with all in it. */
bool folder_delete(const char *path);
/* A text, or lines that each get their end, as a string. The caller owns it. */
json_t *folder_text(const json_t *content);
/* The value with @DIR@ replaced in every string. The caller owns it. */
json_t *folder_replace(const json_t *value, const char *folder);

#endif
