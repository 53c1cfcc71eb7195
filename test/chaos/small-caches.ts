/**
 * Preloaded by the harness: the caches of sessions, series and prices hold a few entries instead of thousands. A history has three
 * sessions, and a process that is killed and started again thousands of times a second would do little but make room.
 * So entries are thrown out all the time too, and nothing may rest on their being there.
 */
import { registerHooks } from 'node:module'

/** A history has more routes than sessions, and is to pay ahead on some of them. */
const LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '/src/limits.ts': { MAX_CACHED_SESSIONS: 2, MAX_REPORT_ENTRIES: 2 },
  '/src/people-limits.ts': { MAX_WATCHED: 2 },
  '/src/hot-path-limits.ts': { MAX_KEPT_ROWS: 2, MAX_KEPT_SERIES: 2, EDGES_OF_SERIES: 1, STEPS_AHEAD: 2, MAX_KEPT_PRICES: 2 },
  '/src/preemptive-limits.ts': { MAX_RECURRING_ROUTES: 8 },
}

function lowered(source: string, [name, to]: readonly [string, number]): string {
  const limit = new RegExp(`(export const ${name} = )[\\d_]+`)
  if (!limit.test(source)) throw new Error(`there is no limit ${name} any more: see test/chaos/small-caches.ts`)
  return source.replace(limit, `$1${to}`)
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const file = Object.keys(LIMITS).find((path) => url.endsWith(path))
    if (file === undefined) return loaded
    return { ...loaded, source: Object.entries(LIMITS[file] ?? {}).reduce(lowered, loaded.source?.toString() ?? '') }
  },
})
