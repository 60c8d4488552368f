/* An HTTP server on a free port of 127.0.0.1, a thread for each connection: `GET /N` is answered with N MiB, `GET /` with a
 * few bytes. Gives its port. */
int start_server(void);
