/** The proxy through which Purser itself leaves: as it is configured, else as Purser's own environment names it. */
import { hostname, networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { canonicalHostPattern } from '../session/host-pattern.ts'
import { listOf, section, text, wanted } from '../session/values.ts'
import type { Listen } from './config.ts'
import type { Environment } from './environment.ts'
import { isLoopback, secret, webUrl } from './places.ts'
import { resolveSecret, type SecretRef } from './secrets.ts'

export interface ParentConfig extends Listen {
  /** Reached over TLS. */
  readonly secure: boolean
  readonly user?: string
  readonly password?: SecretRef
}

export interface ParentsConfig {
  /** Towards `http://` and towards `https://`; null: the way is direct. */
  readonly http: ParentConfig | null
  readonly https: ParentConfig | null
  /** Host patterns, and networks (CIDR) for addresses; these are reached directly. */
  readonly except: readonly string[]
  /** Sentences for the operator. */
  readonly notes: readonly string[]
}

const EXCEPT_HINT = 'write a host like api.example.com, *.example.com or intranet:8080, or a network like 10.0.0.0/8'
const PARENT_HINT = 'write none, or a map with url, user, password, except'
const MAX_USER_CHARS = 200

const exception = z
  .string({ error: wanted(EXCEPT_HINT) })
  .transform((value, context) => {
    const entry = exceptionOf(value)
    if (entry !== undefined) return entry
    context.addIssue(EXCEPT_HINT)
    return z.NEVER
  })
  .meta({ description: 'A host, *.example.com or *, with a port where only that port is meant, or a network (CIDR).' })

function exceptionOf(entry: string): string | undefined {
  if (entry.includes('/')) return ipaddr.isValidCIDR(entry) ? entry : undefined
  return canonicalHostPattern(entry)
}

/** `none` is direct whatever the environment says; where nothing is written the environment is asked. */
export function parentSchema(folder: string) {
  const bare = webUrl.refine((url) => !/^https?:/.test(url) || !URL.canParse(url) || isBare(new URL(url)), {
    error: 'write host and port only, like http://proxy:3128',
  })
  const shape = section({
    url: bare,
    user: text(MAX_USER_CHARS)
      .refine((user) => !user.includes(':'), { error: 'must hold no colon' })
      .exactOptional(),
    password: secret(folder).exactOptional(),
    except: listOf(exception).default([]),
  }).refine(({ user, password }) => password === undefined || user !== undefined, {
    path: ['user'],
    error: 'is missing: a password needs it',
  })
  return z.union([z.literal('none', { error: PARENT_HINT }), shape], { error: PARENT_HINT })
}

type WrittenParent = z.output<ReturnType<typeof parentSchema>>

const isBare = ({ pathname, search }: URL): boolean => pathname === '/' && search === ''

/** What holds: the configuration's word, else the environment's. `own` are our listeners: no way leads out through them. */
export function parentsOf(written: WrittenParent | undefined, env: Environment, own: readonly Listen[]): ParentsConfig {
  if (written === 'none') return { http: null, https: null, except: [], notes: [] }
  if (written === undefined) return parentsOfEnvironment(env, own)
  const { url, user, password, except } = written
  const parent = { ...placeOf(new URL(url)), ...(user !== undefined && { user }), ...(password && { password }) }
  const plain = password?.kind === 'text' ? [PLAIN_PASSWORD] : []
  return { http: parent, https: parent, except, notes: [noteOf([`${urlOf(parent)} (proxy.parent)`], except), ...plain] }
}

const PLAIN_PASSWORD = 'proxy.parent.password stands in the configuration itself. Write env:NAME or file:PATH instead.'

const ENVIRONMENT = { http: ['http_proxy', 'HTTP_PROXY'], https: ['https_proxy', 'HTTPS_PROXY'] } as const

/** As curl and others read these variables. One that cannot be used is said, because its network may let nobody out otherwise. */
function parentsOfEnvironment(env: Environment, own: readonly Listen[]): ParentsConfig {
  const http = named(env, ENVIRONMENT.http, own)
  const https = named(env, ENVIRONMENT.https, own)
  const except = exceptionsOf(env.no_proxy || env.NO_PROXY || '')
  const ways = [https, http].flatMap(({ name, parent }) => (parent ? [`${urlOf(parent)} (${name} of the environment)`] : []))
  const faults = new Set([http, https].flatMap(({ fault }) => fault ?? []))
  return { http: http.parent, https: https.parent, except, notes: [...(ways.length > 0 ? [noteOf(ways, except)] : []), ...faults] }
}

interface Named {
  readonly name: string
  readonly parent: ParentConfig | null
  readonly fault?: string
}

function named(env: Environment, names: readonly string[], own: readonly Listen[]): Named {
  const name = names.find((one) => env[one]) ?? ''
  const value = env[name] ?? ''
  if (value === '') return { name, parent: null }
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  if (url === null || !/^https?:$/.test(url.protocol))
    return { name, parent: null, fault: `${name} names no http:// or https:// proxy, so it is not used: upstreams are reached directly.` }
  const parent = { ...placeOf(url), ...credentialsOf(url) }
  if (!own.some((listener) => isSame(listener, parent))) return { name, parent }
  return { name, parent: null, fault: `${name} names this Purser itself, so it is not used: upstreams are reached directly.` }
}

export function placeOf(url: URL): ParentConfig {
  const secure = url.protocol === 'https:'
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? (secure ? 443 : 80) : Number(url.port), secure }
}

function credentialsOf(url: URL): Pick<ParentConfig, 'user' | 'password'> {
  if (url.username === '') return {}
  const password = decoded(url.password)
  return { user: decoded(url.username), password: { kind: 'text', reveal: () => password } }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/**
 * Whether a proxy is one of our own listeners: then every request would come back as another one, without end. Every
 * address of the loopback is this machine, and one that listens everywhere listens at each of this machine's addresses.
 */
export function isSame(listener: Listen, parent: Listen): boolean {
  if (listener.port !== parent.port || listener.port === 0) return false
  return listener.host === parent.host || isLoopback(parent) || (isEverywhere(listener) && isThisMachine(parent))
}

const isEverywhere = ({ host }: Listen): boolean => host === '0.0.0.0' || host === '::'

function isThisMachine({ host }: Listen): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((own) => own?.map(({ address }) => address) ?? [])
  return isEverywhere({ host, port: 0 }) || host === hostname().toLowerCase() || addresses.includes(host)
}

/** NO_PROXY: `example.com` and `.example.com` both mean the name and all below it; an entry that means nothing is passed over. */
function exceptionsOf(list: string): string[] {
  return list.split(/[\s,]+/).flatMap((entry) => {
    if (entry === '') return []
    const plain = exceptionOf(entry.startsWith('.') ? entry.slice(1) : entry)
    if (plain === undefined) return []
    const isName = !plain.includes('/') && !plain.startsWith('*') && /[a-z]/.test(plain.replace(/:[0-9]+$/, '')) && !plain.startsWith('[')
    return isName ? [plain, `*.${plain}`] : [plain]
  })
}

function noteOf(ways: readonly string[], except: readonly string[]): string {
  const but = except.length === 0 ? '' : `, except ${except.join(', ')}`
  return `Upstreams are reached through the parent proxy ${ways.join(' and ')}${but}. It resolves names, so the address guard sees only what this machine resolves too: let the parent refuse private addresses.`
}

function urlOf({ host, port, secure }: ParentConfig): string {
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** As whoever connects needs it. */
export interface ResolvedParent extends Listen {
  readonly secure: boolean
  /** The value of `Proxy-Authorization`. */
  readonly authorization?: string
}

export interface ResolvedParents {
  readonly http: ResolvedParent | null
  readonly https: ResolvedParent | null
  readonly except: readonly string[]
}

/** Reads the passwords. @throws SecretError */
export async function resolveParents({ http, https, except }: ParentsConfig, env: Environment): Promise<ResolvedParents> {
  const resolve = async (parent: ParentConfig | null): Promise<ResolvedParent | null> => {
    if (!parent) return null
    const { host, port, secure, user, password } = parent
    if (user === undefined) return { host, port, secure }
    const word = password ? await resolveSecret(password, env) : ''
    return { host, port, secure, authorization: `Basic ${Buffer.from(`${user}:${word}`).toString('base64')}` }
  }
  return { http: await resolve(http), https: await resolve(https), except }
}
