/** Recipients: who was paid, how far they are trusted, and how they behaved. */
import { useMemo } from 'preact/hooks'
import { href } from '../address.ts'
import { Badge, State } from '../components/badge.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { Plot } from '../components/plot.tsx'
import { When } from '../components/time.tsx'
import { millionths, money, shortAddress, when } from '../format.ts'
import { route } from '../router.tsx'
import { changesOf } from './drift.ts'
import { Fact, Facts, Sums } from './parts.tsx'
import { pricesOf } from './prices.ts'
import { type Column, Rows } from './rows.tsx'
import type { RecipientPayment, RecipientProfile, RecipientStory } from './shapes.ts'

export function RecipientsPage() {
  const { query } = route.value
  const [origin, network, recipient] = [query.get('origin'), query.get('network'), query.get('recipient')]
  if (origin !== null && network !== null && recipient !== null)
    return <RecipientPage origin={origin} network={network} recipient={recipient} />
  return (
    <>
      <h1>Recipients</h1>
      <Rows<RecipientProfile>
        path="/v1/recipients/profiles"
        query={{ limit: '100' }}
        news={['payment']}
        label="Recipients"
        columns={COLUMNS}
        keyOf={({ origin: at, network: on, recipient: to }) => `${at} ${on} ${to}`}
        empty="Nobody was paid or asked for money yet."
      />
    </>
  )
}

const TONES = { verified: 'good', known: 'accent', unknown: 'plain', blocked: 'bad' } as const

function TrustBadge({ of }: { readonly of: RecipientProfile['trust'] }) {
  return <Badge tone={TONES[of]}>{of}</Badge>
}

const COLUMNS: readonly Column<RecipientProfile>[] = [
  {
    name: 'Host',
    class: 'what',
    cell: ({ origin, host, network, recipient }) => (
      <a class="whole" href={href('/recipients', { origin, network, recipient })}>
        {host}
      </a>
    ),
  },
  { name: 'Trust', class: 'state', cell: ({ trust }) => <TrustBadge of={trust} /> },
  {
    name: 'Address',
    class: 'who',
    cell: ({ recipient }) => (
      <span class="mono" title={recipient}>
        {shortAddress(recipient)}
      </span>
    ),
  },
  { name: 'Odd', class: 'tier', cell: (profile) => <Odd of={profile} /> },
  { name: 'Last', class: 'when', cell: ({ last }) => (last ? <When at={last.at} /> : <span class="muted">–</span>) },
  { name: 'Last price', class: 'amount', cell: ({ last }) => (last ? money(last.amount, last.currency) : <span class="muted">–</span>) },
]

function Odd({ of: { pinDiffers, disputed, undelivered } }: { readonly of: RecipientProfile }) {
  if (pinDiffers) return <Badge tone="bad">address changed</Badge>
  if (disputed > 0) return <Badge tone="bad">{disputed} disputed</Badge>
  if (undelivered > 0) return <Badge tone="warn">{undelivered} undelivered</Badge>
  return <span class="muted">–</span>
}

interface Named {
  readonly origin: string
  readonly network: string
  readonly recipient: string
}

function RecipientPage({ origin, network, recipient }: Named) {
  const { data, problem } = useLoaded<RecipientStory>('/v1/recipients/profile', { origin, network, recipient }, { news: ['payment'] })
  return (
    <>
      <p class="back">
        <a href={href('/recipients')}>Recipients</a>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {data ? <Profile of={data} /> : !problem && <p aria-busy="true">Reading…</p>}
    </>
  )
}

function Profile({ of }: { readonly of: RecipientStory }) {
  const { host, trust, recipient, payments, pinDiffers } = of
  return (
    <>
      <h1>
        {host} <TrustBadge of={trust} />
      </h1>
      {pinDiffers && (
        <p class="note bad" role="alert">
          This host names another address than the one that was paid before. Nothing is paid to it until an operator looks into it.
        </p>
      )}
      <div class="columns">
        <section class="card" aria-labelledby="prices">
          <h2 id="prices">Prices</h2>
          <Prices of={payments} />
          <h2>What changed</h2>
          <Drift of={of.drift} />
        </section>
        <section class="card" aria-labelledby="standing">
          <h2 id="standing">Standing</h2>
          <Standing of={of} />
          <p class="links">
            <a href={href('/payments', { recipient })}>Its payments</a>
            <a href={href('/stop', { scope: 'recipient', value: recipient })}>Stop payments to it</a>
          </p>
        </section>
      </div>
      <h2>Newest payments</h2>
      <Newest of={payments} />
    </>
  )
}

function Prices({ of }: { readonly of: readonly RecipientPayment[] }) {
  const { at_s, prices, texts, currency, count, lowest, highest } = useMemo(() => pricesOf(of), [of])
  const series = useMemo(() => [{ label: 'Price', values: prices, texts }], [prices, texts])
  if (at_s.length === 0) return <p class="muted">There is no price yet.</p>
  return (
    <>
      {at_s.length > 1 && (
        <Plot
          title={`Prices over time in ${currency}`}
          at_s={at_s}
          series={series}
          write={(value) => money(value.toFixed(value < 1 ? 3 : 2), currency)}
          kind="lines"
        />
      )}
      <p class="small">
        {lowest === highest ? `Always ${money(highest, currency)}` : `From ${money(lowest, currency)} to ${money(highest, currency)}`} in
        the last {count} requests.
      </p>
    </>
  )
}

function Drift({ of }: { readonly of: RecipientStory['drift'] }) {
  if (of.length === 0) return <p class="muted">Nothing: same prices, same address.</p>
  return (
    <ul class="plain">
      {changesOf(of).map(({ at, paymentId, text, count }) => (
        <li key={text}>
          <a href={href(`/payments/${encodeURIComponent(paymentId)}`)}>{when(at)}</a>: {text}
          {count > 1 && <span class="muted"> ({count} payments)</span>}
        </li>
      ))}
    </ul>
  )
}

function Standing({ of }: { readonly of: RecipientStory }) {
  const { origin, network, recipient, trust, knownBy, pin, deliveries, disputed, disputedAmount, refundedAmount } = of
  return (
    <Facts>
      <Fact name="Address">
        <span class="mono">{recipient}</span>
      </Fact>
      <Fact name="Network">{network}</Fact>
      <Fact name="Origin">{origin}</Fact>
      <Fact name="Trust">
        {TRUST[trust]}
        {knownBy > 0 && `; ${knownBy} ${knownBy === 1 ? 'agent' : 'agents'} paid it and ${knownBy === 1 ? 'was' : 'were'} served`}
      </Fact>
      <Fact name="Pinned">{pin ? <Pin of={pin} /> : 'no'}</Fact>
      <Fact name="Delivered">
        {deliveries.delivered} delivered, {deliveries.undelivered} not, {deliveries.open} open
      </Fact>
      <Fact name="Disputed">
        {disputed > 0 && (
          <>
            {disputed} (<Sums of={disputedAmount} />)
          </>
        )}
      </Fact>
      <Fact name="Came back">{Object.values(refundedAmount).some((sum) => millionths(sum) > 0n) && <Sums of={refundedAmount} />}</Fact>
    </Facts>
  )
}

const TRUST = {
  verified: 'listed by the operator',
  known: 'paid before and delivered',
  unknown: 'nobody paid it before',
  blocked: 'blocked by the operator',
} as const

function Pin({ of: { recipient, since, uses } }: { readonly of: NonNullable<RecipientProfile['pin']> }) {
  return (
    <>
      to <span class="mono">{recipient}</span> since {when(since)}, {uses} payments
    </>
  )
}

function Newest({ of }: { readonly of: readonly RecipientPayment[] }) {
  if (of.length === 0) return <p class="muted">None.</p>
  return (
    <ul class="plain newest">
      {of.slice(0, NEWEST).map(({ id, at, agent, method, url, amount, currency, state, delivered }) => (
        <li key={id}>
          <a href={href(`/payments/${encodeURIComponent(id)}`)}>
            {money(amount, currency)} <When at={at} />
          </a>{' '}
          <State of={state} /> {state === 'settled' && !delivered && <Badge tone="warn">not delivered</Badge>}{' '}
          <span class="muted small">
            <bdi>{agent}</bdi>: {method} {url}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** The others stand in the list of payments. */
const NEWEST = 20
