/**
 * Preloaded by the harness: the caches of sessions hold a few entries instead of ten thousand. A history has three
 * sessions, and a process that is killed and started again thousands of times a second would do little but make room.
 * So entries are thrown out all the time too, and nothing may rest on their being there.
 */
import { registerHooks } from 'node:module'

const LIMIT = /(export const (?:MAX_CACHED_SESSIONS|MAX_REPORT_ENTRIES) = )[\d_]+/g

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/src/limits.ts')) return loaded
    const source = loaded.source?.toString() ?? ''
    if (source.match(LIMIT)?.length !== 2) throw new Error('src/limits.ts has no such limits any more: see test/chaos/small-caches.ts')
    return { ...loaded, source: source.replace(LIMIT, '$12') }
  },
})
