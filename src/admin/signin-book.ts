/**
 * Who is signed in to the console. A browser holds an opaque random id; here stands its hash, whose it is and since when.
 * In memory: a restart signs everybody out.
 */
import { LRUCache } from 'lru-cache'
import type { Clock, Ids } from '../clock.ts'
import { MAX_SIGN_INS, MAX_SIGN_INS_OF_ONE, SIGN_IN_IDLE_MS, SIGN_IN_LIFETIME_MS } from '../people-limits.ts'
import { hashToken, sameHash } from '../session/token.ts'
import type { Caller } from './router.ts'

/** Whose sign-in it is: that of a token, which is looked up anew for each call, or of a person whom a provider vouched for. */
export type Holder = { readonly kind: 'token'; readonly tokenHash: string } | { readonly kind: 'person'; readonly caller: Caller }

export interface SignedIn {
  readonly holder: Holder
  /**
   * Whether this is the proof that the page got at this sign-in. Browsers send a cookie to every port of a host, to an
   * agent's own server too; what a page keeps, only pages of its very origin can read.
   */
  readonly isProof: (text: string) => boolean
  /** Milliseconds since 1970, if it is not used before. */
  readonly expiresAt: number
}

export interface SignIns {
  begin(holder: Holder): Begun
  /** `renew`: somebody is there, so that it lasts longer. */
  find(secret: string, use: { readonly renew: boolean }): SignedIn | undefined
  end(secret: string): void
}

/** Both stand nowhere else. */
export interface Begun {
  /** For the browser's cookie. */
  readonly secret: string
  /** For the page, which sends it with every change. */
  readonly proof: string
}

interface Entry {
  readonly holder: Holder
  readonly proofHash: string
  readonly who: string
  readonly begunAt: number
  usedAt: number
}

export function createSignIns({ clock, ids }: { readonly clock: Clock; readonly ids: Ids }): SignIns {
  const entries = new LRUCache<string, Entry>({ max: MAX_SIGN_INS })
  const endOf = ({ begunAt, usedAt }: Entry) => Math.min(begunAt + SIGN_IN_LIFETIME_MS, usedAt + SIGN_IN_IDLE_MS)
  const makeRoom = (who: string) => {
    const own = [...entries.entries()].filter(([, entry]) => entry.who === who)
    // Most recently used first.
    for (const [key] of own.slice(MAX_SIGN_INS_OF_ONE - 1)) entries.delete(key)
  }
  return {
    begin(holder) {
      const [secret, proof] = [ids('con'), ids('prf')]
      const who = holder.kind === 'token' ? holder.tokenHash : holder.caller.id
      makeRoom(who)
      entries.set(hashToken(secret), { holder, proofHash: hashToken(proof), who, begunAt: clock.now(), usedAt: clock.now() })
      return { secret, proof }
    },
    find(secret, { renew }) {
      const key = hashToken(secret)
      const entry = entries.get(key)
      if (!entry) return undefined
      if (clock.now() >= endOf(entry)) {
        entries.delete(key)
        return undefined
      }
      if (renew) entry.usedAt = clock.now()
      const isProof = (text: string) => sameHash(hashToken(text), entry.proofHash)
      return { holder: entry.holder, isProof, expiresAt: endOf(entry) }
    },
    end(secret) {
      entries.delete(hashToken(secret))
    },
  }
}
