/** One payment: what it was, and its whole story from the challenge to the confirmation. */
import { href } from '../address.ts'
import { Badge, State } from '../components/badge.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { When } from '../components/time.tsx'
import { millionths, money, readable, when, words } from '../format.ts'
import { Corrections } from './corrections.tsx'
import { Fact, Facts } from './parts.tsx'
import { Exports } from './receipt-tools.tsx'
import type { PaymentView, Story, StoryStep } from './shapes.ts'

export function PaymentPage({ id }: { readonly id: string }) {
  const { data, problem, reload } = useLoaded<Story>(`/v1/payments/${encodeURIComponent(id)}/story`, {}, { news: ['payment', 'approval'] })
  return (
    <>
      <p class="back">
        <a href={href('/payments')}>Payments</a>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {data ? <Told story={data} reload={reload} /> : !problem && <p aria-busy="true">Reading…</p>}
    </>
  )
}

interface ToldProps {
  readonly story: Story
  readonly reload: () => void
}

function Told({ story: { payment, steps, partial }, reload }: ToldProps) {
  const { id, amount, currency, host, state, dispute, reason } = payment
  const price = amount !== null && currency !== null ? money(amount, currency) : 'A payment'
  return (
    <>
      <h1>
        {price} to {host} <State of={state} />
        {dispute !== null && <Badge tone="bad">{words(dispute)}</Badge>}
      </h1>
      <p class="lead">{reason}</p>
      <Corrections payment={payment} done={reload} />
      <div class="columns">
        <section class="card" aria-labelledby="story">
          <h2 id="story">Story</h2>
          {partial && <p class="note warn">There are more entries than are shown: the oldest ones are left out.</p>}
          <ol class="timeline">
            {steps.map((step, at) => (
              // A step has no name of its own, and the story only grows.
              <Step key={`${step.kind} ${at}`} step={step} />
            ))}
          </ol>
        </section>
        <section class="card" aria-labelledby="terms">
          <h2 id="terms">Terms</h2>
          <Terms payment={payment} />
          <Exports filter={{ payment: id }} label="Export its receipts" />
          <Why id={id} />
        </section>
      </div>
    </>
  )
}

const TONES: Readonly<Record<string, string>> = {
  ...{ settled: 'good', delivered: 'good', confirmed: 'good', answered: 'good', undisputed: 'good' },
  ...{ refused: 'bad', disputed: 'bad' },
  ...{ unknown: 'warn', asked: 'warn', expired: 'warn' },
}

function Step({ step: { at, kind, title, detail, facts } }: { readonly step: StoryStep }) {
  return (
    <li class={`step ${TONES[kind] ?? ''}`}>
      <p class="head">
        <strong>{title}</strong> <time dateTime={at}>{when(at)}</time>
      </p>
      {detail !== null && <p>{detail}</p>}
      {facts.length > 0 && (
        <Facts>
          {facts.map(({ label, value, untrusted }) => (
            <Fact key={`${label} ${value}`} name={label}>
              {untrusted ? <Foreign text={value} /> : readable(value)}
            </Fact>
          ))}
        </Facts>
      )}
    </li>
  )
}

/** Somebody else's words among ours: plain text, and marked. */
function Foreign({ text }: { readonly text: string }) {
  return (
    <q class="foreign" dir="auto" title="Somebody else’s words, not checked">
      {text}
      <span class="visually-hidden"> (somebody else’s words, not checked)</span>
    </q>
  )
}

function Terms({ payment }: { readonly payment: PaymentView }) {
  const { id, sessionId, agent, method, url, origin, tier, rule, recipient, network, asset, amountAtomic, scheme, payer } = payment
  const { trust, categories, tool, task, user, transaction, block, evidence, nonce, validBefore, refunded, currency, code } = payment
  const profile = network !== null && recipient !== null ? href('/recipients', { origin, network, recipient }) : undefined
  return (
    <Facts>
      <Fact name="Payment">
        <span class="mono">{id}</span>
      </Fact>
      <Fact name="Session">
        <a class="mono" href={href(`/sessions/${encodeURIComponent(sessionId)}`)}>
          {sessionId}
        </a>
      </Fact>
      <Fact name="Agent">
        <bdi>{agent}</bdi>
      </Fact>
      <Fact name="Request">
        <span class="mono">
          {method} {url}
        </span>
      </Fact>
      <Fact name="Recipient">
        {profile !== undefined && (
          <a class="mono" href={profile}>
            {recipient}
          </a>
        )}
      </Fact>
      <Fact name="Trust">{trust}</Fact>
      <Fact name="Category">{categories.join(', ')}</Fact>
      <Fact name="Tier">{tier}</Fact>
      <Fact name="Rule">{rule}</Fact>
      <Fact name="Refused as">{code}</Fact>
      <Fact name="Token">{asset && `${amountAtomic} units of ${asset.symbol} (${asset.decimals} decimals), ${scheme}`}</Fact>
      <Fact name="Network">{network}</Fact>
      <Fact name="Payer">{payer !== null && payer !== '' && <span class="mono">{payer}</span>}</Fact>
      <Fact name="Valid until">{validBefore !== null && when(validBefore)}</Fact>
      <Fact name="Nonce">{nonce !== null && <span class="mono">{nonce}</span>}</Fact>
      <Fact name="Transaction">{transaction !== null && <span class="mono">{transaction}</span>}</Fact>
      <Fact name="Known because">{evidence !== null && `${EVIDENCE[evidence]}${block === null ? '' : `, block ${block}`}`}</Fact>
      <Fact name="Came back">{currency !== null && millionths(refunded) > 0n && money(refunded, currency)}</Fact>
      <Fact name="Tool">{tool !== null && <bdi>{tool}</bdi>}</Fact>
      <Fact name="Task">{task !== null && <bdi>{task}</bdi>}</Fact>
      <Fact name="User">{user !== null && <bdi>{user}</bdi>}</Fact>
      <Fact name="Decided">
        <When at={payment.times.decided} />
      </Fact>
    </Facts>
  )
}

const EVIDENCE = { claimed: 'the server says so', confirmed: 'the chain shows it', operator: 'two people saw proof of it' } as const

function Why({ id }: { readonly id: string }) {
  const { data } = useLoaded<{ readonly policyVersion: string; readonly steps: readonly string[] }>(
    `/v1/policy/explain/${encodeURIComponent(id)}`,
  )
  if (!data) return null
  return (
    <details>
      <summary>Why it was decided so</summary>
      <ol class="why">
        {data.steps.map((step, at) => (
          <li key={`${at} ${step}`}>{step.trim()}</li>
        ))}
      </ol>
    </details>
  )
}
