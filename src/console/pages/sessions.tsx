/** Sessions: who may spend how much, each below its parent; opened, topped up, closed and revoked here. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { href } from '../address.ts'
import { get, mayOperate } from '../client.tsx'
import { State } from '../components/badge.tsx'
import { BudgetBar } from '../components/bar.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { Empty, ProblemNote } from '../components/notes.tsx'
import { When } from '../components/time.tsx'
import { money } from '../format.ts'
import { OpenSession } from './open-session.tsx'
import { SessionActions } from './session-actions.tsx'
import { SessionTerms } from './session-terms.tsx'
import { type Branch, branches, isAtWork, merged, missingParents } from './session-tree.ts'
import type { PageOf, SessionView } from './shapes.ts'
import './pages.css'

const STEP = 100
/** What the API answers at once at most. */
const MOST = 1_000
/** Parents are read one by one; who has more of them looks at one session at a time. */
const MAX_PARENTS = 50

interface Family {
  readonly sessions: readonly SessionView[]
  readonly parents: readonly SessionView[]
}

/** With the parents that are not among them, up to the roots. */
function useParents(sessions: readonly SessionView[] | undefined): Family {
  const [parents, setParents] = useState<readonly SessionView[]>([])
  useEffect(() => {
    let isOver = false
    const climb = async (known: readonly SessionView[], found: readonly SessionView[]): Promise<void> => {
      const missing = missingParents([...known, ...found]).slice(0, MAX_PARENTS)
      if (isOver) return
      if (missing.length === 0 || found.length >= MAX_PARENTS) return setParents(found)
      const more = await Promise.all(missing.map((id) => get<SessionView>(`/v1/sessions/${encodeURIComponent(id)}`)))
      return climb(known, merged(found, more))
    }
    // Without its parents a session stands at the top: that is no reason to show none.
    if (sessions) climb(sessions, []).catch(() => setParents([]))
    return () => {
      isOver = true
    }
  }, [sessions])
  return { sessions: sessions ?? [], parents }
}

/** Kept while more of the same is read. */
function useSessions(parent?: string) {
  const [limit, setLimit] = useState(STEP)
  const { data, problem } = useLoaded<PageOf<SessionView>>(
    '/v1/sessions',
    { limit: String(limit), ...(parent !== undefined && { parent }) },
    { news: ['session', 'payment'] },
  )
  const [kept, setKept] = useState<PageOf<SessionView>>()
  useEffect(() => {
    if (data) setKept(data)
  }, [data])
  const isAll = (kept?.next ?? null) === null
  return {
    page: data ?? kept,
    problem,
    hasMore: !isAll && limit < MOST,
    isCut: !isAll && limit >= MOST,
    more: () => setLimit(Math.min(MOST, limit + STEP)),
  }
}

export function SessionsPage() {
  const { page, problem, hasMore, isCut, more } = useSessions()
  const { sessions, parents } = useParents(page?.items)
  const [isOpening, setOpening] = useState(false)
  const [showsEnded, setShowsEnded] = useState(false)
  const tree = branches(merged(sessions, parents))
  const shown = showsEnded ? tree : working(tree)
  return (
    <>
      <div class="page-head">
        <h1>Sessions</h1>
        {mayOperate() && (
          <button type="button" class="primary" onClick={() => setOpening(true)}>
            Open a session
          </button>
        )}
      </div>
      {isOpening && <OpenSession onClose={() => setOpening(false)} />}
      {problem && <ProblemNote problem={problem} />}
      <div class="tools">
        <label class="check">
          <input type="checkbox" checked={showsEnded} onChange={(event) => setShowsEnded(event.currentTarget.checked)} /> Show ended
          sessions
        </label>
        <Legend />
      </div>
      {page && shown.length === 0 ? (
        <Empty>{tree.length > 0 ? 'None of these sessions is open.' : 'There is no session yet. Without one nothing is paid.'}</Empty>
      ) : (
        <Tree of={shown} label="Sessions" />
      )}
      {hasMore && (
        <button type="button" onClick={more}>
          Older sessions
        </button>
      )}
      {isCut && <p class="muted">These are the {MOST} newest sessions. The list of the API has all of them.</p>}
    </>
  )
}

/** Without branches in which all has ended. */
function working(tree: readonly Branch[]): Branch[] {
  return tree.filter(isAtWork).map(({ session, below }) => ({ session, below: working(below) }))
}

function Legend() {
  return (
    <p class="legend small">
      <span class="spent">spent</span> <span class="held">held</span> <span class="left">left</span>
    </p>
  )
}

function Tree({ of, label }: { readonly of: readonly Branch[]; readonly label?: string }) {
  if (of.length === 0) return null
  return (
    <ul class="tree" aria-label={label}>
      {of.map(({ session, below }) => (
        <li key={session.id}>
          <SessionRow session={session} />
          <Tree of={below} />
        </li>
      ))}
    </ul>
  )
}

function SessionRow({ session }: { readonly session: SessionView }) {
  const { id, name, agent, purpose, state, expiresAt } = session
  const hasEnded = state === 'closed' || state === 'expired' || state === 'revoked'
  return (
    <div class={hasEnded ? 'session ended' : 'session'}>
      <p class="name">
        <a class="whole" href={href(`/sessions/${encodeURIComponent(id)}`)}>
          <bdi>{name ?? purpose}</bdi>
        </a>{' '}
        <State of={state} />
      </p>
      <p class="muted small">
        <bdi>{agent}</bdi> · {hasEnded ? 'ended' : 'ends'} <When at={expiresAt} />
      </p>
      <Balance of={session} />
    </div>
  )
}

function Balance({ of: { cap, spent, held, remaining, currency } }: { readonly of: SessionView }) {
  return (
    <div class="balance">
      <BudgetBar cap={cap} spent={spent} held={held} currency={currency} />
      <p class="small">
        <strong>{money(remaining, currency)}</strong> left of {money(cap, currency)}
        <span class="muted">
          {' '}
          · {money(spent, currency)} spent · {money(held, currency)} held
        </span>
      </p>
    </div>
  )
}

export function SessionPage({ id }: { readonly id: string }) {
  const { data, problem } = useLoaded<SessionView>(`/v1/sessions/${encodeURIComponent(id)}`, {}, { news: ['session', 'payment'] })
  return (
    <>
      <p class="back">
        <a href={href('/sessions')}>Sessions</a>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {data ? <One session={data} /> : !problem && <p aria-busy="true">Reading…</p>}
    </>
  )
}

function One({ session }: { readonly session: SessionView }) {
  const { id, name, purpose, state, agent } = session
  return (
    <>
      <h1>
        <bdi>{name ?? purpose}</bdi> <State of={state} />
      </h1>
      <Balance of={session} />
      <Above session={session} />
      <p class="links">
        <a href={href('/payments', { session: id })}>Its payments</a>
        <a href={href('/payments', { list: 'receipts', session: id })}>Its receipts</a>
        <a href={href('/payments', { agent })}>
          All of <bdi>{agent}</bdi>
        </a>
      </p>
      {mayOperate() && <SessionActions session={session} />}
      <div class="columns">
        <Part title="Below it" id="below">
          <Below id={id} />
        </Part>
        <Part title="Terms" id="terms">
          <SessionTerms session={session} />
        </Part>
      </div>
    </>
  )
}

function Part({ title, id, children }: { readonly title: string; readonly id: string; readonly children: ComponentChildren }) {
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

/** Its payments count there, too. */
function Above({ session }: { readonly session: SessionView }) {
  const [alone] = useState(() => [session])
  const { parents } = useParents(session.parent === null ? undefined : alone)
  if (parents.length === 0) return null
  return (
    <section aria-label="Above it" class="above">
      <p class="small muted">What it spends counts here, too:</p>
      {parents.map((parent) => (
        <SessionRow key={parent.id} session={parent} />
      ))}
    </section>
  )
}

function Below({ id }: { readonly id: string }) {
  const { page, problem, hasMore, isCut, more } = useSessions(id)
  if (problem && !page) return <ProblemNote problem={problem} />
  if (!page) return null
  if (page.items.length === 0) return <Empty>No session is below it.</Empty>
  return (
    <>
      <Tree of={page.items.map((session) => ({ session, below: [] }))} label="Sessions below it" />
      {hasMore && (
        <button type="button" onClick={more}>
          Older ones
        </button>
      )}
      {isCut && <p class="muted">These are the {MOST} newest of them.</p>}
    </>
  )
}
