/** What `CONNECT` and `Host` name: a host and a port, nothing else. */
import { canonicalHost } from './canonical-host.ts'

export interface ConnectTarget {
  /** Canonical; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

const AUTHORITY = /^(?<host>\[[^\]]*\]|[^:[\]]*)(?::(?<port>[1-9][0-9]{0,4}))?$/
const MAX_PORT = 65_535

/** Reads `host:port`; the port may be left out only where there is a usual one. Undefined for everything else. */
export function parseAuthority(text: string, usualPort?: number): ConnectTarget | undefined {
  const parts = AUTHORITY.exec(text)?.groups
  const host = parts?.host === undefined ? undefined : canonicalHost(parts.host)
  const port = parts?.port === undefined ? usualPort : Number(parts.port)
  if (host === undefined || port === undefined || port > MAX_PORT) return undefined
  return { host, port }
}

/** `host:port`, with brackets around IPv6. */
export function formatAuthority({ host, port }: ConnectTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
