/** The environment of a command whose requests go through the proxy. */
import type { Environment } from '../config/environment.ts'

/** Variables that replace a tool's roots: OpenSSL, Python and Go; requests; curl; git; Deno. */
const BUNDLE_VARIABLES = ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO', 'DENO_CERT'] as const
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'] as const

export interface ProxyWay {
  /** With the session's credentials in it. */
  readonly proxyUrl: string
  /** Undefined where the authority's file cannot be read: intercepted hosts then fail in the child. */
  readonly caFile: string | undefined
  readonly bundleFile: string | undefined
  /** Hosts that go around the proxy; by default none, because what goes around is neither paid nor capped. */
  readonly direct: string
}

/** The variables that trust the proxy's certificates. Node adds to its roots, all others replace theirs. */
export function trustVariables({ caFile, bundleFile }: Pick<ProxyWay, 'caFile' | 'bundleFile'>): Record<string, string> {
  const bundle = bundleFile === undefined ? [] : BUNDLE_VARIABLES.map((name) => [name, bundleFile])
  return { ...(caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile }), ...Object.fromEntries(bundle) }
}

/** All variables that `exec` sets. */
export function proxyVariables(way: ProxyWay): Record<string, string> {
  return {
    ...Object.fromEntries(PROXY_VARIABLES.map((name) => [name, way.proxyUrl])),
    NO_PROXY: way.direct,
    no_proxy: way.direct,
    NODE_USE_ENV_PROXY: '1',
    PURSER_PROXY: way.proxyUrl,
    ...trustVariables(way),
  }
}

/**
 * The caller's environment without the operator's secrets (everything named PURSER_…, and what the configuration reads
 * by `env:NAME`), with the proxy's variables.
 */
export function childEnvironment(base: Environment, options: { way: ProxyWay; secretNames: readonly string[] }): Record<string, string> {
  const kept = Object.entries(base).filter((pair): pair is [string, string] => {
    const [name, value] = pair
    return value !== undefined && !name.startsWith('PURSER_') && !options.secretNames.includes(name)
  })
  return { ...Object.fromEntries(kept), ...proxyVariables(options.way) }
}

/** The variables behind every `env:NAME` of a configuration, wherever in it they stand. */
export function secretNames(config: unknown): readonly string[] {
  if (typeof config !== 'object' || config === null) return []
  const { kind, name }: { kind?: unknown; name?: unknown } = config
  const own = kind === 'env' && typeof name === 'string' ? [name] : []
  return [...own, ...Object.values(config).flatMap(secretNames)]
}
