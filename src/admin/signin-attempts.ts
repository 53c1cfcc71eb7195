/** Wrong tokens at the sign-in, counted by address, so that nobody tries them in a loop. */
import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { PurserError } from '../errors.ts'
import { MAX_SIGN_IN_ADDRESSES, MAX_WRONG_SIGN_INS, WRONG_SIGN_IN_MS } from '../people-limits.ts'

export interface Attempts {
  /** @throws PurserError `too_many_attempts` where this address was wrong too often. */
  check(address: string): void
  failed(address: string): void
}

/** A network of IPv6 gives one customer 64 bits of addresses: they are counted as one. */
function sourceOf(address: string): string {
  if (!ipaddr.isValid(address)) return ''
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}

export function createAttempts(clock: Pick<Clock, 'monotonic'>): Attempts {
  const failures = new LRUCache<string, readonly number[]>({ max: MAX_SIGN_IN_ADDRESSES })
  const recent = (source: string) => (failures.get(source) ?? []).filter((at) => at > clock.monotonic() - WRONG_SIGN_IN_MS)
  return {
    check(address) {
      const times = recent(sourceOf(address))
      const [oldest] = times
      if (oldest === undefined || times.length < MAX_WRONG_SIGN_INS) return
      const retryAfter_s = Math.ceil((oldest + WRONG_SIGN_IN_MS - clock.monotonic()) / 1000)
      const detail = `${MAX_WRONG_SIGN_INS} wrong tokens came from this address within a minute.`
      throw new PurserError({ code: 'too_many_attempts', detail, retryAfter_s })
    },
    failed(address) {
      const source = sourceOf(address)
      failures.set(source, [...recent(source), clock.monotonic()].slice(-MAX_WRONG_SIGN_INS))
    },
  }
}
