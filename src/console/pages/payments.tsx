/** Payments and receipts: all attempts, refused ones included, and the entries that prove them. */
import { href } from '../address.ts'
import { State } from '../components/badge.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { When } from '../components/time.tsx'
import { money, shortAddress } from '../format.ts'
import { route } from '../router.tsx'
import { Filters } from './filters.tsx'
import { filterIn, PAYMENT_FIELDS, RECEIPT_FIELDS, takenOver } from './list-filter.ts'
import { DayReport, Exports, Verify } from './receipt-tools.tsx'
import { type Column, Rows } from './rows.tsx'
import type { PaymentView, PolicyView, Receipt } from './shapes.ts'

/** As many as one page of the list holds. */
const PAGE = '100'
const RECEIPTS = { list: 'receipts' }

export function PaymentsPage() {
  const { query } = route.value
  const policy = useLoaded<PolicyView>('/v1/policy', {}, { news: ['policy'] })
  const tiers = (policy.data?.tiers ?? []).map(({ name }) => name)
  return query.get('list') === 'receipts' ? <Receipts place={query} tiers={tiers} /> : <Payments place={query} tiers={tiers} />
}

interface ListProps {
  readonly place: URLSearchParams
  readonly tiers: readonly string[]
}

function Tabs({ here, filter }: { readonly here: 'payments' | 'receipts'; readonly filter: Readonly<Record<string, string>> }) {
  const tab = (name: 'payments' | 'receipts', to: string, label: string) => (
    <a href={to} aria-current={here === name ? 'page' : undefined}>
      {label}
    </a>
  )
  return (
    <nav class="tabs" aria-label="Lists">
      {tab('payments', href('/payments', takenOver(filter, PAYMENT_FIELDS)), 'Payments')}
      {tab('receipts', href('/payments', { ...takenOver(filter, RECEIPT_FIELDS), ...RECEIPTS }), 'Receipts')}
    </nav>
  )
}

function Payments({ place, tiers }: ListProps) {
  const filter = filterIn(place, PAYMENT_FIELDS)
  return (
    <>
      <h1>Payments</h1>
      <Tabs here="payments" filter={filter} />
      <Filters path="/payments" fields={PAYMENT_FIELDS} filter={filter} tiers={tiers} />
      <Rows<PaymentView>
        path="/v1/payments"
        query={{ ...filter, limit: PAGE }}
        news={['payment', 'approval']}
        label="Payments, newest first"
        columns={PAYMENT_COLUMNS}
        keyOf={({ id }) => id}
        empty={Object.keys(filter).length > 0 ? 'No payment is like this.' : 'Nothing was paid or refused yet.'}
      />
    </>
  )
}

/** Where it goes: "example.com/search". */
function resource({ host, url }: Pick<PaymentView, 'host' | 'url'>): string {
  return URL.canParse(url) ? `${host}${new URL(url).pathname}` : host
}

const PAYMENT_COLUMNS: readonly Column<PaymentView>[] = [
  { name: 'When', class: 'when', cell: ({ times }) => <When at={times.decided} /> },
  { name: 'State', class: 'state', cell: ({ state }) => <State of={state} /> },
  {
    name: 'What',
    class: 'what',
    cell: (payment) => (
      <a class="whole" href={href(`/payments/${encodeURIComponent(payment.id)}`)}>
        {payment.method} {resource(payment)}
        {payment.count > 1 && <span class="muted"> ×{payment.count}</span>}
      </a>
    ),
  },
  { name: 'Agent', class: 'who', cell: ({ agent }) => <bdi>{agent}</bdi> },
  { name: 'Tier', class: 'tier', cell: ({ tier, code }) => (code === null ? tier : <span class="mono">{code}</span>) },
  {
    name: 'Amount',
    class: 'amount',
    cell: ({ amount, currency }) => (amount === null || currency === null ? <span class="muted">–</span> : money(amount, currency)),
  },
]

function Receipts({ place, tiers }: ListProps) {
  const filter = filterIn(place, RECEIPT_FIELDS)
  return (
    <>
      <h1>Receipts</h1>
      <Tabs here="receipts" filter={filter} />
      <Filters path="/payments" kept={RECEIPTS} fields={RECEIPT_FIELDS} filter={filter} tiers={tiers} />
      <div class="tools">
        <Exports filter={filter} label="Export what matches" />
        <DayReport />
        <Verify />
      </div>
      <Rows<Receipt>
        path="/v1/receipts"
        query={{ ...filter, limit: PAGE }}
        news={['payment']}
        label="Receipts, newest first"
        columns={RECEIPT_COLUMNS}
        keyOf={({ id }) => id}
        empty={Object.keys(filter).length > 0 ? 'No receipt is like this.' : 'There is no receipt yet.'}
      />
    </>
  )
}

const RECEIPT_COLUMNS: readonly Column<Receipt>[] = [
  { name: 'When', class: 'when', cell: ({ at }) => <When at={at} /> },
  { name: 'State', class: 'state', cell: ({ state }) => <State of={state} /> },
  {
    name: 'Payment',
    class: 'what',
    cell: ({ paymentId, method, resource: paid, kind }) => (
      <a class="whole" href={href(`/payments/${encodeURIComponent(paymentId)}`)}>
        {kind}: {method} {URL.canParse(paid) ? resource({ host: new URL(paid).host, url: paid }) : paid}
      </a>
    ),
  },
  { name: 'Agent', class: 'who', cell: ({ agent }) => <bdi>{agent}</bdi> },
  {
    name: 'Hash',
    class: 'tier',
    cell: ({ hash, number }) => (
      <span class="mono" title={hash}>
        {number} · {shortAddress(`0x${hash}`)}
      </span>
    ),
  },
  {
    name: 'Amount',
    class: 'amount',
    cell: ({ amount, currency }) => (amount === null || currency === null ? <span class="muted">–</span> : money(amount, currency)),
  },
]
