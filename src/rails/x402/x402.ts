/** The x402 rail: its four questions, answered by the files beside it. */
import { hash } from 'node:crypto'
import { type Head, headerValue, headerValues, type RawHeaders } from '../../http.ts'
import type { Asset } from '../../money.ts'
import type { Challenge, Detected, Offer, Rail, RejectedOffer } from '../rail.ts'
import { createRegistry, type Registry } from './assets.ts'
import { authorize } from './authorization.ts'
import { type Entry, type Envelope, readBody, readHeader } from './challenge.ts'
import { CHANNEL_SCHEME, type ChannelBounds, readChannelOffer } from './channels/offer.ts'
import { type Beyond, readSaid, SIGN_IN } from './extensions/said.ts'
import { PAYMENT_HEADER } from './finished.ts'
import { type OfferPlace, readOffer } from './offer.ts'
import { recurring } from './recurring.ts'
import { lacksAllowance, readSettlement } from './settlement.ts'
import { createUnderstood } from './understood.ts'

const CHALLENGE_HEADER = 'payment-required'

export interface Accepted {
  readonly assets: readonly Asset[]
  /** CAIP-2. */
  readonly networks: readonly string[]
  /** Absent: nothing is paid through channels. */
  readonly channels?: ChannelsAccepted
}

export interface ChannelsAccepted extends ChannelBounds {
  /** Where the chain can be asked, and so a channel be closed. CAIP-2. */
  readonly networks: readonly string[]
}

interface Reading {
  readonly registry: Registry
  readonly channels: ChannelsAccepted | undefined
}

/** What is accepted: these assets, on these networks, by the schemes of `schemes/`, and through channels. */
export function createX402Rail(accepted: Accepted): Rail {
  const reading = { registry: createRegistry(accepted), channels: accepted.channels }
  const understood = createUnderstood((values, body) => read(values, body, reading))
  return {
    name: 'x402',
    paymentHeaders: [PAYMENT_HEADER[1].toLowerCase(), PAYMENT_HEADER[2].toLowerCase(), SIGN_IN],
    detect: (head, body) => (head.status === 402 ? understood.detect(headerValues(head.headers, CHALLENGE_HEADER), body) : undefined),
    recurring: (challenge) => {
      const found = recurring(challenge)
      return { ...found, challenge: understood.derived(challenge, found.challenge) }
    },
    authorize: (request, wallet) => authorize(request, wallet, understood),
    settlement: readSettlement,
    lacksAllowance,
    askAgain,
  }
}

/** Header and body may both carry the challenge (an old and a new client); then they have to ask for the same. */
function read(values: readonly string[], body: Uint8Array | undefined, reading: Reading): Detected | undefined {
  const inHeader = readHeader(values)
  if (inHeader.kind === 'broken') return { kind: 'invalid', reason: inHeader.reason }
  const inBody = readBody(body)
  if (inBody.kind === 'broken') return { kind: 'invalid', reason: inBody.reason }
  const challenges = [inHeader, inBody].flatMap((found) => (found.kind === 'envelope' ? [evaluate(found.envelope, reading)] : []))
  const [first, second] = challenges
  if (first && second && termsOf(first) !== termsOf(second)) {
    return { kind: 'invalid', reason: 'The challenge’s header and body disagree on what may be paid.' }
  }
  return first && { kind: 'challenge', challenge: first }
}

function evaluate({ version, entries, echo }: Envelope, reading: Reading): Challenge {
  const offers: Offer[] = []
  const rejected: RejectedOffer[] = []
  const values = entries.map(({ value }) => value)
  const beyond = version === 2 ? readSaid(echo, values) : undefined
  for (const [index, entry] of entries.entries()) {
    const read = contradicted(index, beyond) ?? readEntry(entry, { index, version }, reading)
    if ('code' in read) rejected.push(read)
    else offers.push(read)
  }
  const digest = digestOf({ version, offers, rejected })
  return { rail: 'x402', protocolVersion: version, offers, rejected, digest, echo, ...(beyond && { said: beyond }) }
}

function readEntry(entry: Entry, place: OfferPlace, { registry, channels }: Reading): Offer | RejectedOffer {
  if (!channels || schemeIn(entry) !== CHANNEL_SCHEME) return readOffer(entry, place, registry)
  const offer = readChannelOffer(entry, place, registry, channels)
  if ('code' in offer || channels.networks.includes(offer.network)) return offer
  const reason = `Offer ${place.index + 1} asks for a channel on ${offer.network}, whose chain cannot be asked here.`
  return { index: place.index, code: 'scheme_not_supported', reason }
}

function schemeIn({ value }: Entry): unknown {
  return typeof value === 'object' && value !== null && 'scheme' in value ? value.scheme : undefined
}

/** The price is pinned by what was signed for it, unless the signature is none. */
function contradicted(index: number, beyond: Beyond | undefined): RejectedOffer | undefined {
  const other = beyond?.signedOffers.some((signed) => signed.index === index && !signed.agrees && signed.verdict !== 'broken')
  return other
    ? { index, code: 'challenge_invalid', reason: `Offer ${index + 1} asks for other terms than were signed for it.` }
    : undefined
}

interface Evaluated {
  readonly version: number
  readonly offers: readonly Offer[]
  readonly rejected: readonly RejectedOffer[]
}

/** Over the evaluated values in a fixed order: free text, extensions and the spelling of the JSON leave it as it is. */
function digestOf({ version, offers, rejected }: Evaluated): string {
  const text = JSON.stringify([
    'x402',
    version,
    offers.map((offer) => [offer.index, ...valuesOf(offer)]),
    rejected.map(({ index, code }) => [index, code]),
  ])
  return hash('sha256', text, 'hex')
}

function termsOf({ offers }: Challenge): string {
  return JSON.stringify([...new Set(offers.map((offer) => JSON.stringify(valuesOf(offer))))].sort())
}

function valuesOf({ scheme, network, asset, amount, payTo, askedWindow_s, flow, ...way }: Offer): readonly (string | number)[] {
  const byPermit = way.method === undefined ? [] : [way.method, way.facilitator ?? '']
  const byChannel = way.channel ? [way.channel.receiverAuthorizer, way.channel.withdrawDelay_s] : []
  return [scheme, network, asset.address, amount.toString(), payTo, askedWindow_s, flow, ...byPermit, ...byChannel]
}

/** Servers of version 1 answer browsers with a page alone, and agents often look like browsers. */
function askAgain(head: Head, requestHeaders: RawHeaders): RawHeaders | undefined {
  const browser =
    headerValues(requestHeaders, 'accept').some((value) => value.includes('text/html')) &&
    headerValues(requestHeaders, 'user-agent').some((value) => value.includes('Mozilla'))
  const page = headerValue(head.headers, 'content-type')?.toLowerCase().includes('text/html') ?? false
  if (head.status !== 402 || !browser || !page || headerValue(head.headers, CHALLENGE_HEADER) !== undefined) return undefined
  return ['accept', 'application/json', 'user-agent', 'purser']
}
