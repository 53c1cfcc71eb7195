/**
 * What one process keeps in mind of channels that close: how often a receiver was asked, how long a transaction was waited
 * for, what people were told. Lost at a restart, which then only asks, waits and tells once more.
 */
import { LRUCache } from 'lru-cache'
import { MAX_CLOSING_KNOWN, TRANSACTION_PATIENCE_MS } from '../../channel-limits.ts'

export interface ClosingMemory {
  /** How often its receiver was asked, with this time. */
  asked(channelId: string): number
  /** Whether this was not the last thing said of it. */
  isNews(channelId: string, reason: string): boolean
  /** Whether less than `TRANSACTION_PATIENCE_MS` have passed since it was first waited for. `now_ms` by the monotonic clock. */
  hasPatience(transaction: string, now_ms: number): boolean
  forget(channelId: string): void
}

export function createClosingMemory(): ClosingMemory {
  const asks = new LRUCache<string, number>({ max: MAX_CLOSING_KNOWN })
  const said = new LRUCache<string, string>({ max: MAX_CLOSING_KNOWN })
  const waiting = new LRUCache<string, number>({ max: MAX_CLOSING_KNOWN })
  return {
    asked(channelId) {
      const times = (asks.get(channelId) ?? 0) + 1
      asks.set(channelId, times)
      return times
    },
    isNews(channelId, reason) {
      // Prices and blocks are others each time.
      const gist = reason.replace(/\d+/g, '#')
      const isNews = said.get(channelId) !== gist
      said.set(channelId, gist)
      return isNews
    },
    hasPatience(transaction, now_ms) {
      const since = waiting.get(transaction) ?? now_ms
      waiting.set(transaction, since)
      return now_ms - since < TRANSACTION_PATIENCE_MS
    },
    forget(channelId) {
      asks.delete(channelId)
      said.delete(channelId)
    },
  }
}
