/** Data of the API in a component: loaded, kept while it is read anew, and read anew when the news say so. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Query, queryText } from '../address.ts'
import { ApiProblem } from '../api.ts'
import { get, type NewsType, onNews } from '../client.tsx'
import { isSeen } from './seen.tsx'

export interface Loaded<T> {
  /** The newest answer; it stays while the next one is on its way, and after it failed. */
  readonly data: T | undefined
  readonly problem: ApiProblem | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

export interface LoadOptions {
  /** Read anew after these. */
  readonly news?: readonly NewsType[]
  /** How long the server gives the same answer: so long after news it is asked once more. */
  readonly keptFor_ms?: number
  /** Nothing is read while the page is hidden, since the server takes what it answers for read by a person. */
  readonly onlySeen?: boolean
}

interface Kept<T> {
  readonly key: string
  readonly data: T | undefined
  readonly problem: ApiProblem | undefined
}

/** @param path undefined: there is nothing to load yet */
export function useLoaded<T>(
  path: string | undefined,
  query: Query = {},
  { news = [], keptFor_ms = 0, onlySeen = false }: LoadOptions = {},
): Loaded<T> {
  const key = path === undefined ? '' : `${path}?${queryText(query)}`
  const [kept, setKept] = useState<Kept<T>>()
  const [isLoading, setLoading] = useState(path !== undefined)
  const running = useRef<AbortController | undefined>(undefined)
  const isDue = useRef(false)
  const isHeld = onlySeen && !isSeen.value
  const held = useRef(isHeld)
  held.current = isHeld
  const reload = useCallback(() => {
    if (key === '' || held.current) return
    // A load on its way is let arrive: news that come faster than answers would else keep every answer away.
    isDue.current = running.current !== undefined
    if (isDue.current) return
    const own = new AbortController()
    running.current = own
    setLoading(true)
    get<T>(key.replace(/\?$/, ''), {}, own.signal)
      .then((data) => ({ data, problem: undefined }), problemOf)
      .then(({ data, problem }) => {
        if (own.signal.aborted) return
        running.current = undefined
        setKept((before) => ({ key, problem, data: data ?? (before?.key === key ? before.data : undefined) }))
        setLoading(false)
        if (isDue.current) reload()
      })
      .catch(reportError)
  }, [key])
  useEffect(() => {
    reload()
    return () => {
      running.current?.abort()
      running.current = undefined
    }
  }, [reload, isHeld])
  useNews(news, keptFor_ms, reload)
  const current = kept?.key === key ? kept : undefined
  return { data: current?.data, problem: current?.problem, isLoading, reload }
}

function useNews(news: readonly NewsType[], keptFor_ms: number, reload: () => void): void {
  const types = news.join()
  useEffect(() => {
    if (types === '') return
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOwed = false
    const onceMore = () => {
      isOwed = timer !== undefined
      if (isOwed) return
      timer = setTimeout(() => {
        timer = undefined
        reload()
        // What came meanwhile may be missing in this answer too.
        if (isOwed) onceMore()
      }, keptFor_ms)
    }
    const end = onNews(types.split(',') as NewsType[], () => {
      reload()
      if (keptFor_ms > 0) onceMore()
    })
    return () => {
      end()
      clearTimeout(timer)
    }
  }, [types, keptFor_ms, reload])
}

function problemOf(cause: unknown): { data: undefined; problem: ApiProblem } {
  if (cause instanceof ApiProblem) return { data: undefined, problem: cause }
  return { data: undefined, problem: new ApiProblem({ status: 0, code: 'unexpected', detail: String(cause), nextAction: '' }) }
}
