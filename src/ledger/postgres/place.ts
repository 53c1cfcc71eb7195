/**
 * Where the ledger's server is, read from its URL: `postgres://user@host:5432,standby:5432/database?sslmode=verify-full`.
 * Several hosts are tried in turn, and the one that can be written is used. The password comes apart from it.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { refused } from '../../errors.ts'

export interface Host {
  /** A name, an address without brackets, or the folder of a socket. */
  readonly name: string
  readonly port: number
}

/**
 * `full`: certificate and name are verified; `chain`: the certificate only; `none`: encrypted, to whomever;
 * `off`: not encrypted; `default`: full, but off on this very machine.
 */
export type Verification = 'default' | 'full' | 'chain' | 'none' | 'off'

export interface Place {
  readonly hosts: readonly [Host, ...Host[]]
  readonly database: string
  readonly user: string
  readonly tls: { readonly verify: Verification; readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** What is dangerous about it, in sentences for the operator. */
  readonly warnings: readonly string[]
}

const SHAPE = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#@]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/
const DEFAULT_PORT = 5432

const SSL_MODES: Readonly<Record<string, Verification>> = {
  disable: 'off',
  'no-verify': 'none',
  require: 'full',
  'verify-ca': 'chain',
  'verify-full': 'full',
}

const PARAMETERS: ReadonlySet<string> = new Set([
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'application_name',
  'host',
])
const WRITABLE: ReadonlySet<string> = new Set(['any', 'primary', 'read-write'])

/**
 * Reads the URL. Its files (`sslrootcert`, `sslcert`, `sslkey`) are read at once.
 * @throws PurserError `ledger_unavailable` with a sentence that never contains the URL itself.
 */
export function readPlace(url: string): Place {
  const shape = SHAPE.exec(url)
  if (!shape) throw wrong('it is not of the form postgres://user@host:5432/database')
  const [, credentials = '', authority = '', path = '', query = ''] = shape
  const parameters = readParameters(query)
  const user = decoded(credentials)
  if (user.includes(':')) throw wrong('it contains a password, which has to stand apart from it')
  const database = decoded(path) || user
  if (!user || !database) throw wrong('it names no user or no database')
  const verify = verificationOf(parameters.get('sslmode'))
  const hosts = hostsOf(parameters.get('host') ?? authority)
  return { hosts, database, user, tls: { verify, ...filesOf(parameters) }, warnings: warningsOf(verify, hosts) }
}

/** True for this very machine: nobody between here and there. */
export function isLocal({ name }: Host): boolean {
  return name.startsWith('/') || name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

function readParameters(query: string): URLSearchParams {
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) if (!PARAMETERS.has(name)) throw wrong(`its parameter ${name} is not known here`)
  const target = parameters.get('target_session_attrs')
  if (target !== null && !WRITABLE.has(target)) throw wrong(`target_session_attrs is ${target}, but a ledger has to be written`)
  return parameters
}

function hostsOf(text: string): [Host, ...Host[]] {
  const [first = '', ...others] = text.split(',').map((one) => decoded(one))
  return [hostOf(first), ...others.map(hostOf)]
}

function hostOf(text: string): Host {
  if (text.startsWith('/')) return { name: text, port: DEFAULT_PORT }
  const [, bracketed, plain, port = String(DEFAULT_PORT)] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const name = bracketed ?? plain
  if (name === undefined || Number(port) > 65_535) throw wrong('one of its hosts cannot be read')
  return { name, port: Number(port) }
}

function verificationOf(mode: string | null): Verification {
  if (mode === null) return 'default'
  const found = SSL_MODES[mode]
  if (found === undefined) throw wrong(`sslmode has to be one of ${Object.keys(SSL_MODES).join(', ')}`)
  return found
}

function filesOf(parameters: URLSearchParams): { ca?: string; cert?: string; key?: string } {
  const [ca, cert, key] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) => fileOf(parameters, name))
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
}

/** `system` means the roots that Node trusts anyway. */
function fileOf(parameters: URLSearchParams, name: string): string | undefined {
  const path = parameters.get(name)
  if (path === null || path === 'system') return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw wrong(`its ${name} ${path} cannot be read`, cause)
  }
}

function warningsOf(verify: Verification, hosts: readonly Host[]): string[] {
  if (hosts.every(isLocal)) return []
  if (verify === 'off') return ['The ledger’s connection is not encrypted (sslmode=disable): signed payments travel over it in the clear.']
  if (verify === 'none') return ['The ledger’s server is not verified (sslmode=no-verify): anyone on the way can pose as it.']
  return []
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw wrong('it has a broken percent sign', cause)
  }
}

function wrong(why: string, cause?: unknown) {
  return refused('ledger_unavailable', `The ledger’s URL cannot be used: ${why}.`, cause)
}
