#include <microhttpd.h>

/// Swift cannot call functions with a variable number of arguments: the two calls of that kind that we need.
static inline struct MHD_Daemon *MHD_start_with_limits(
    unsigned flags, const struct sockaddr *address, MHD_AccessHandlerCallback handler, void *context,
    unsigned connections, unsigned idleSeconds, size_t memoryPerConnection, unsigned threads) {
  return MHD_start_daemon(
      flags, 0, NULL, NULL, handler, context, MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_CONNECTION_TIMEOUT, idleSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memoryPerConnection,
      MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

static inline unsigned MHD_bound_port(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info ? info->port : 0;
}
