/** The parts of a canonical URL, in the form in which policy and ledger know hosts: IPv6 without brackets, port always given. */
export interface Place {
  /** scheme://host[:port] */
  readonly origin: string
  readonly host: string
  readonly port: number
  readonly path: string
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

export function placeOf(url: string): Place {
  const { origin, hostname, port, protocol, pathname } = new URL(url)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return { origin, host, port: Number.parseInt(port || (DEFAULT_PORTS[protocol] ?? '0'), 10), path: pathname }
}
