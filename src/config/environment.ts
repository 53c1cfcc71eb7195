/** The one place that reads this process's environment. Everything else is given what it needs of it. */

/**
 * The variables that mean something to Purser: PURSER_CONFIG (the configuration file), PURSER_PROXY (the proxy URL with a
 * session's credentials), PURSER_ADMIN_URL and PURSER_ADMIN_TOKEN (where the command line asks), and the secrets that a
 * configuration names by `env:NAME`. The others are there for the commands that `purser exec` starts.
 */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment as it is now. */
export function environment(): Environment {
  // biome-ignore lint/style/noProcessEnv: this is the one place.
  return { ...process.env }
}
