/* The least that a proxy can do: on a free port of 127.0.0.1, a thread for each client answers its CONNECT, whatever it names,
 * and moves what the server at `server_port` sends through a pipe, and what the client sends by copying. Gives its port. */
int start_relay(int server_port);
