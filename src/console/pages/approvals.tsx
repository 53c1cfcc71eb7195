/** What waits for people: the list, and one of them with all that a yes or no is about. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { ApprovalView } from '../../admin/approval-view.ts'
import { href } from '../address.ts'
import { State } from '../components/badge.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { Empty, ProblemNote } from '../components/notes.tsx'
import { useShortcuts } from '../components/shortcuts.tsx'
import { now } from '../components/time.tsx'
import { countdown } from '../format.ts'
import { go, goInstead, route } from '../router.tsx'
import { Approval } from './approval.tsx'
import { byUrgency, neighbour } from './inbox.ts'

interface Inbox {
  readonly items: readonly ApprovalView[]
  readonly next: string | null
}

const PAGE = '50'
/** As in style.css: below it list and question do not fit beside each other. */
const WIDE = window.matchMedia('(min-width: 64rem)')
const isWide = signal(WIDE.matches)
WIDE.addEventListener('change', () => {
  isWide.value = WIDE.matches
})

export function ApprovalsPage({ id }: { readonly id?: string }) {
  const { query } = route.value
  const showsAll = query.get('show') === 'all'
  const cursor = query.get('cursor') ?? undefined
  const asked = { limit: PAGE, state: showsAll ? undefined : 'pending', cursor }
  // An approver who reads a window begins it: the list is read only where it can be seen.
  const isShown = id === undefined || isWide.value
  const { data, problem } = useLoaded<Inbox>(isShown ? '/v1/approvals' : undefined, asked, { news: ['approval'], onlySeen: true })
  const items = data && (showsAll ? data.items : byUrgency(data.items))
  const kept = { show: showsAll ? 'all' : undefined, cursor }
  const to = (one: string) => href(pathOf(one), kept)
  // Opened once and by name: what is on the screen never changes to another one by itself.
  useEffect(() => {
    const [first] = items ?? []
    if (id === undefined && first && isWide.value) goInstead(pathOf(first.id), kept)
  })
  const step = (by: 1 | -1) => {
    const found = neighbour(items ?? [], id, by)
    if (found) go(pathOf(found.id), kept)
  }
  useShortcuts([
    { keys: 'j', does: 'Next question', run: () => step(1) },
    { keys: 'k', does: 'Question before', run: () => step(-1) },
  ])
  return (
    <>
      <div class="page-head">
        <h1>Approvals</h1>
        <nav class="tabs" aria-label="Which">
          <a href={href('/approvals')} aria-current={showsAll ? undefined : 'true'}>
            Waiting
          </a>
          <a href={href('/approvals', { show: 'all' })} aria-current={showsAll ? 'true' : undefined}>
            All
          </a>
        </nav>
      </div>
      {problem && <ProblemNote problem={problem} />}
      <div class={id === undefined ? 'inbox' : 'inbox chosen'}>
        <section class="list" aria-label="Questions">
          {items?.length === 0 && <Empty>{showsAll ? 'Nobody was asked yet.' : 'Nothing waits for you.'}</Empty>}
          <ul>
            {items?.map((item) => (
              <Item key={item.id} item={item} to={to(item.id)} isHere={item.id === id} />
            ))}
          </ul>
          {data && data.next !== null && (
            <p>
              <a href={href('/approvals', { ...kept, cursor: data.next })}>Older ones</a>
            </p>
          )}
        </section>
        {id !== undefined && <Approval key={id} id={id} back={href('/approvals', kept)} />}
      </div>
    </>
  )
}

function pathOf(id: string): string {
  return `/approvals/${encodeURIComponent(id)}`
}

interface ItemProps {
  readonly item: ApprovalView
  readonly to: string
  readonly isHere: boolean
}

function Item({ item, to, isHere }: ItemProps) {
  return (
    <li>
      <a href={to} aria-current={isHere ? 'true' : undefined}>
        <span class="what">
          <strong>{item.displayAmount}</strong> to {item.to}
        </span>
        <span class="end">{item.state === 'pending' ? <Left item={item} /> : <State of={item.state} />}</span>
        <span class="muted small who">
          {item.agent} · {item.tier}
        </span>
      </a>
    </li>
  )
}

/** What is left to decide: short for windows, calm for questions of hours. */
function Left({ item: { kind, startedAt, expiresAt } }: { readonly item: ApprovalView }) {
  if (kind === 'veto' && startedAt === null) return <span class="left">window not begun</span>
  return <span class={kind === 'veto' ? 'left veto' : 'left'}>{countdown(expiresAt, now.value)}</span>
}
