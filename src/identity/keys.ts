/** The keys of an issuer: kept for a while, and asked for anew when a token names one that is not among them (rotation). */
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { IDENTITY_KEYS_COOLDOWN_MS, IDENTITY_KEYS_LIFETIME_MS, MAX_IDENTITY_KEYS } from '../people-limits.ts'
import type { TokenIssuer } from './identity.ts'
import { ask } from './outward.ts'

type Source = Exclude<TokenIssuer['keys'], { from: 'review' }>

/** SPIFFE bundles say of the keys of JWT-SVIDs what others call `sig`; those of X.509-SVIDs verify no token. */
const keySchema = z.looseObject({ kty: z.string() }).transform((key) => (key.use === 'jwt-svid' ? { ...key, use: 'sig' } : key))
const keysSchema = z.looseObject({ keys: z.array(keySchema).max(MAX_IDENTITY_KEYS) })

interface Loaded {
  readonly find: JWTVerifyGetKey
  readonly at: number
}

/** Looks a key up by the token's head. Rejects with a JOSE error where there is none, with another where they cannot be had. */
export function createKeys(source: Source, { clock }: { readonly clock: Clock }): JWTVerifyGetKey {
  let loading: Promise<Loaded> | undefined

  /** Whoever asks at the same time waits for the same answer; a failure is asked anew by the next one. */
  function load(): Promise<Loaded> {
    const asked = read(source).then((find) => ({ find, at: clock.monotonic() }))
    asked.catch(() => {
      if (loading === asked) loading = undefined
    })
    loading = asked
    return asked
  }

  return async (header, token) => {
    const asked = loading ?? load()
    const known = await asked
    // Whoever else found them wanting has asked already.
    const anew = () => (loading === undefined || loading === asked ? load() : loading)
    const loaded = clock.monotonic() - known.at < IDENTITY_KEYS_LIFETIME_MS ? known : await anew()
    try {
      return await loaded.find(header, token)
    } catch (cause) {
      const unknown = cause instanceof errors.JWKSNoMatchingKey
      if (!unknown || clock.monotonic() - loaded.at < IDENTITY_KEYS_COOLDOWN_MS) throw cause
      return (await anew()).find(header, token)
    }
  }
}

async function read(source: Source): Promise<JWTVerifyGetKey> {
  const text = source.from === 'file' ? await readFile(source.path, 'utf8') : await fetched(source)
  return createLocalJWKSet(keysSchema.parse(JSON.parse(text)))
}

async function fetched(source: Extract<Source, { from: 'url' }>): Promise<string> {
  const { status, text } = await ask(source)
  if (status !== 200) throw new Error(`the issuer's keys answered ${status}`)
  return text
}
