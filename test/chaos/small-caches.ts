/**
 * Preloaded by the harness: the caches of sessions hold a few entries instead of ten thousand. A history has three
 * sessions, and a process that is killed and started again thousands of times a second would do little but make room.
 * So entries are thrown out all the time too, and nothing may rest on their being there.
 */
import { registerHooks } from 'node:module'

const LIMITS: Readonly<Record<string, readonly string[]>> = {
  '/src/limits.ts': ['MAX_CACHED_SESSIONS', 'MAX_REPORT_ENTRIES'],
  '/src/people-limits.ts': ['MAX_WATCHED'],
}

function lowered(source: string, name: string): string {
  const limit = new RegExp(`(export const ${name} = )[\\d_]+`)
  if (!limit.test(source)) throw new Error(`there is no limit ${name} any more: see test/chaos/small-caches.ts`)
  return source.replace(limit, '$12')
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const file = Object.keys(LIMITS).find((path) => url.endsWith(path))
    if (file === undefined) return loaded
    return { ...loaded, source: (LIMITS[file] ?? []).reduce(lowered, loaded.source?.toString() ?? '') }
  },
})
