/**
 * MPP inside MCP: a challenge is a JSON-RPC error, or a member of a result's `_meta`; the credential goes in
 * `params._meta`, and the receipt comes back in `result._meta`. Over HTTP the same parts stand in headers, as which the
 * rail reads and writes them; `request`, which is an object here, is base64url of its text there.
 */
import type { RawHeaders } from '../../http.ts'
import { MAX_OFFERS } from '../../limits.ts'
import { type Fields, fieldsIn, isFields } from '../fields.ts'
import { readStrictJson } from '../strict-json.ts'

const CREDENTIAL = 'org.paymentauth/credential'
const REQUIRED = 'org.paymentauth/payment-required'
const RECEIPT = 'org.paymentauth/receipt'
/** A payment is required, or the one that was made is not taken. */
const ERRORS: ReadonlySet<unknown> = new Set([-32042, -32043])
/** Where the rail puts a credential: here no header of the agent's can stand in its place. */
const HEADER = 'Payment-Authorization'
/** What the rail knows of a challenge, apart from its request and its header. */
const MEMBERS = ['id', 'realm', 'method', 'intent', 'expires', 'digest', 'opaque']
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

export const mppInMcp = { metaKeys: [CREDENTIAL], challengeIn, carried, settlementIn }

/** The challenges in a response as headers of a 402; undefined where it has none. What a careless client could take for one is one. */
function challengeIn(response: string): RawHeaders | undefined {
  const { result, error } = fieldsIn(response) ?? {}
  if (isFields(error)) return ERRORS.has(error.code) ? headersOf(response, ['error', 'data']) : undefined
  const inMeta = isFields(result) && isFields(result._meta) && result._meta[REQUIRED] !== undefined
  return inMeta ? headersOf(response, ['result', '_meta', REQUIRED]) : undefined
}

/** Read strictly, to the letter. What cannot be read in one way only is a challenge that the rail will not read either. */
function headersOf(response: string, path: readonly string[]): RawHeaders {
  const json = readStrictJson(response)
  if (json.kind !== 'read') return BROKEN
  let holder: unknown = json.value
  for (const name of path) holder = isFields(holder) ? holder[name] : undefined
  const challenges: unknown[] = isFields(holder) && Array.isArray(holder.challenges) ? holder.challenges : []
  if (challenges.length === 0 || challenges.length > MAX_OFFERS) return BROKEN
  const values = challenges.map((challenge) => (isFields(challenge) ? headerOf(challenge, json.sourceOf(challenge.request)) : undefined))
  return values.includes(undefined) ? BROKEN : values.flatMap((value) => ['www-authenticate', value ?? ''])
}

/** Asks for a payment, and cannot be read as a challenge. */
const BROKEN: RawHeaders = ['www-authenticate', 'Payment "']

function headerOf(challenge: Fields, request: string | undefined): string | undefined {
  const named = MEMBERS.flatMap((name) => (challenge[name] === undefined ? [] : [[name, challenge[name]] as const]))
  if (request === undefined || named.some(([, value]) => typeof value !== 'string' || !PLAIN.test(value))) return undefined
  const params = [...named, ['request', Buffer.from(request).toString('base64url')], ['header', HEADER]]
  return `Payment ${params.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}

/** The credential's own object, whose request is an object again. */
function carried(headers: RawHeaders) {
  let credential: string | undefined
  const rest: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2)
    if (name.toLowerCase() === HEADER.toLowerCase()) credential = memberOf(value)
    else rest.push(name, value)
  }
  return credential === undefined ? undefined : { member: { key: CREDENTIAL, text: credential }, rest }
}

function memberOf(header: string): string | undefined {
  const [, encoded = ''] = /^Payment ([A-Za-z0-9_-]+)$/.exec(header) ?? []
  const { challenge, payload, source } = fieldsIn(Buffer.from(encoded, 'base64url').toString('utf8')) ?? {}
  if (!isFields(challenge) || typeof challenge.request !== 'string') return undefined
  const { request, header: _, ...named } = challenge
  const members = Object.entries(named).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const text = Buffer.from(challenge.request, 'base64url').toString('utf8')
  return `{"challenge":{${[...members, `"request":${text}`].join(',')}},"payload":${JSON.stringify(payload)},"source":${JSON.stringify(source)}}`
}

/** The receipt as the header that says the same over HTTP. */
function settlementIn(response: string): RawHeaders {
  const { result } = fieldsIn(response) ?? {}
  const said = isFields(result) && isFields(result._meta) ? result._meta[RECEIPT] : undefined
  return said === undefined ? [] : ['payment-receipt', Buffer.from(JSON.stringify(said)).toString('base64url')]
}
