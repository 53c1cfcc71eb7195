/** The frame around every page: who is signed in, where one can go, whether the news arrive. */
import type { ComponentChild } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { href, idUnder } from './address.ts'
import { ApiProblem } from './api.ts'
import { connection, get, listen, type Me, me, post } from './client.tsx'
import { Announcements, announce } from './components/announce.tsx'
import { Badge } from './components/badge.tsx'
import { useLoaded } from './components/loaded.tsx'
import { isHelpOpen, ShortcutHelp, useShortcuts } from './components/shortcuts.tsx'
import { ThemeChoice } from './components/theme.tsx'
import icon from './icon.svg'
import { ApprovalsPage } from './pages/approvals.tsx'
import { OVERVIEW_KEPT_MS, OverviewPage } from './pages/overview.tsx'
import { PaymentPage } from './pages/payment.tsx'
import { PaymentsPage } from './pages/payments.tsx'
import { PolicyPage } from './pages/policy.tsx'
import { RecipientsPage } from './pages/recipients.tsx'
import { SessionPage, SessionsPage } from './pages/sessions.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { StopPage } from './pages/stop.tsx'
import { go, route, toKeptPlace } from './router.tsx'

interface Section {
  readonly path: string
  readonly name: string
  /** After "g". */
  readonly key: string
  readonly page: () => ComponentChild
  /** What stands at `path/id`. */
  readonly one?: (id: string) => ComponentChild
}

const SECTIONS: readonly Section[] = [
  { path: '/', name: 'Overview', key: 'o', page: () => <OverviewPage /> },
  { path: '/approvals', name: 'Approvals', key: 'a', page: () => <ApprovalsPage />, one: (id) => <ApprovalsPage id={id} /> },
  { path: '/payments', name: 'Payments', key: 'p', page: () => <PaymentsPage />, one: (id) => <PaymentPage id={id} /> },
  { path: '/sessions', name: 'Sessions', key: 's', page: () => <SessionsPage />, one: (id) => <SessionPage id={id} /> },
  { path: '/recipients', name: 'Recipients', key: 'r', page: () => <RecipientsPage /> },
  { path: '/policy', name: 'Policy', key: 'y', page: () => <PolicyPage /> },
  { path: '/stop', name: 'Stop', key: 'x', page: () => <StopPage /> },
]
/** As many as fit beside each other under a thumb; the others stand behind "More". */
const ON_A_PHONE = 4

interface Found {
  readonly section: Section
  readonly page: ComponentChild
}

function pageAt(path: string): Found | undefined {
  for (const section of SECTIONS) {
    if (section.path === path) return { section, page: section.page() }
    const id = section.one && idUnder(path, section.path)
    if (id !== undefined && section.one) return { section, page: section.one(id) }
  }
  return undefined
}

/** Signed in or not; asked once, and again whenever the API says that the sign-in holds no more. */
export function Console() {
  useEffect(() => {
    get<Me>('/console/me').then(
      (known) => {
        toKeptPlace()
        me.value = known
      },
      () => {
        me.value = null
      },
    )
  }, [])
  if (me.value === undefined) return <main aria-busy="true" />
  return me.value === null ? <SignIn /> : <Shell person={me.value} />
}

function Shell({ person }: { readonly person: Me }) {
  useEffect(() => {
    const stop = new AbortController()
    listen(stop.signal).catch(reportError)
    return () => stop.abort()
  }, [])
  useShortcuts([
    ...SECTIONS.map(({ path, name, key }) => ({ keys: `g ${key}`, does: name, run: () => go(path) })),
    { keys: '?', does: 'This help', run: () => showHelp() },
  ])
  const { path } = route.value
  const found = pageAt(path)
  const name = found?.section.name
  const before = useRef(name)
  useEffect(() => {
    document.title = name ? `${name} · Purser` : 'Purser'
    // Whoever does not see the page change hears it, and goes on reading there.
    if (before.current !== name) toMain()
    before.current = name
  }, [name])
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={toMain}>
        To the content
      </button>
      <Side person={person} here={found?.section.path} />
      <main id="main" tabIndex={-1}>
        <Cut />
        {found?.page ?? <NotHere />}
      </main>
      <Announcements />
      <ShortcutHelp />
    </div>
  )
}

/** A link would change the address, which is the page's place. */
function toMain(): void {
  document.getElementById('main')?.focus({ preventScroll: true })
}

function showHelp(): void {
  isHelpOpen.value = true
}

function NotHere() {
  return (
    <>
      <h1>Nothing is here</h1>
      <p>
        <a href={href('/')}>To the overview</a>
      </p>
    </>
  )
}

function Side({ person, here }: { readonly person: Me; readonly here: string | undefined }) {
  const [isOpen, setOpen] = useState(false)
  useEffect(() => setOpen(false), [route.value])
  return (
    <header class={isOpen ? 'side open' : 'side'}>
      <p class="brand">
        <img src={icon} alt="" width="26" height="26" /> Purser
      </p>
      <nav aria-label="Pages">
        <ul>
          {SECTIONS.map((section, number) => (
            <li key={section.path} class={number < ON_A_PHONE ? '' : 'further'}>
              <a href={href(section.path)} aria-current={section.path === here ? 'page' : undefined}>
                {section.name}
                {section.path === '/approvals' && <Waiting />}
                {section.path === '/stop' && <Stopped />}
              </a>
            </li>
          ))}
        </ul>
        <button type="button" class="more" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          More
        </button>
      </nav>
      <Foot person={person} />
    </header>
  )
}

/** From the overview: who reads the questions themselves begins the windows of vetoes, and a number is no reading. */
function Waiting() {
  const { data } = useLoaded<{ approvalsPending: number }>('/v1/overview', {}, { news: ['approval'], keptFor_ms: OVERVIEW_KEPT_MS.hour })
  const count = data?.approvalsPending
  const before = useRef(count)
  useEffect(() => {
    if (count !== undefined && before.current !== undefined && count > before.current) announce(waitingText(count))
    before.current = count
  }, [count])
  if (!count) return null
  return (
    <span class="count">
      {count}
      <span class="visually-hidden"> waiting</span>
    </span>
  )
}

function waitingText(count: number): string {
  return count === 1 ? 'One payment waits for a decision.' : `${count} payments wait for a decision.`
}

function Stopped() {
  const { data } = useLoaded<{ items: unknown[] }>('/v1/halts', {}, { news: ['halts'] })
  return data && data.items.length > 0 ? <span class="count bad">on</span> : null
}

function Foot({ person }: { readonly person: Me }) {
  return (
    <div class="foot">
      {person.mode !== 'enforce' && <Badge tone="warn">mode: {person.mode}</Badge>}
      <Line />
      <p>
        {person.person} <span class="muted">({person.role === 'all' ? 'all roles' : person.role})</span>
      </p>
      <ThemeChoice />
      <button type="button" onClick={showHelp}>
        Keyboard <kbd>?</kbd>
      </button>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
      <p class="muted small">
        Purser {person.version} · <a href="/links">links</a>
      </p>
    </div>
  )
}

const LINE = { connecting: 'connecting', live: 'live', cut: 'reconnecting', 'signed out': 'signed out' } as const

function Line() {
  return (
    <p class="line" data-line={connection.value} role="status">
      {LINE[connection.value]}
    </p>
  )
}

function Cut() {
  if (connection.value !== 'cut') return null
  return <p class="note warn">Purser does not answer, or sends no news. What is shown may be old; this page tries again by itself.</p>
}

async function signOut(): Promise<void> {
  try {
    await post('/console/sign-out')
  } catch (cause) {
    if (!(cause instanceof ApiProblem)) throw cause
  }
  me.value = null
}
