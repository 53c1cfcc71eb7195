/** One question: what will be signed beside the last payment there, whose words it comes with, and the two answers. */
import { useState } from 'preact/hooks'
import type { ApprovalView } from '../../admin/approval-view.ts'
import type { PaymentView } from '../../admin/views.ts'
import { href } from '../address.ts'
import { mayApprove, post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Badge, State } from '../components/badge.tsx'
import { Confirm } from '../components/dialog.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { useShortcuts } from '../components/shortcuts.tsx'
import { now, When } from '../components/time.tsx'
import { Untrusted } from '../components/untrusted.tsx'
import { countdown, money, when, words } from '../format.ts'
import { comparison } from './comparison.ts'

interface Previous {
  readonly payment: PaymentView | null
  readonly sameHost: boolean
}

type Verdict = 'approve' | 'deny'

export function Approval({ id, back }: { readonly id: string; readonly back: string }) {
  const path = `/v1/approvals/${encodeURIComponent(id)}`
  const { data, problem, reload } = useLoaded<ApprovalView>(path, {}, { news: ['approval'], onlySeen: true })
  const previous = useLoaded<Previous>(`${path}/previous`)
  return (
    <article class="card question" aria-labelledby="question">
      <p class="back">
        <a href={back}>All questions</a>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {data && (
        <>
          <Head approval={data} />
          <Answers approval={data} decided={reload} />
          <Notes approval={data} previous={previous.data} />
          <Compared approval={data} previous={previous.data} />
          {previous.problem && <ProblemNote problem={previous.problem} />}
          <Votes approval={data} />
          <Everything approval={data} />
        </>
      )}
    </article>
  )
}

function Head({ approval }: { readonly approval: ApprovalView }) {
  const { kind, state, agent, sessionId, amount, currency, to, purpose } = approval
  return (
    <>
      <div class="page-head">
        <p class="muted">{kind === 'veto' ? 'Paid unless somebody vetoes it' : 'Paid only with a yes'}</p>
        <State of={state} />
      </div>
      <h2 id="question" class="sum">
        {money(amount, currency)} <span>to {to}</span>
      </h2>
      <p>
        for <strong>{agent}</strong> in <a href={href(`/sessions/${encodeURIComponent(sessionId)}`)}>its session</a>
        {purpose !== '' && <span class="muted"> “{purpose}”</span>}
      </p>
      <Time approval={approval} />
    </>
  )
}

function Time({ approval: { kind, state, startedAt, expiresAt, decidedAt } }: { readonly approval: ApprovalView }) {
  if (state !== 'pending') return decidedAt === null ? null : <p class="muted">Decided {when(decidedAt)}</p>
  if (kind === 'veto' && startedAt === null) return <p class="muted">Its window begins when an approver has read it.</p>
  const left = countdown(expiresAt, now.value)
  return (
    <p class={kind === 'veto' ? 'countdown veto' : 'countdown'} role="timer">
      <span class="number">{left}</span> {kind === 'veto' ? 'until it is paid' : 'left to decide'}
    </p>
  )
}

interface AnswersProps {
  readonly approval: ApprovalView
  readonly decided: () => void
}

function Answers({ approval, decided }: AnswersProps) {
  const [asked, setAsked] = useState<Verdict>()
  const isVeto = approval.kind === 'veto'
  const isOpen = approval.state === 'pending' && mayApprove()
  const ask = (verdict: Verdict) => {
    if (isOpen && !(isVeto && verdict === 'approve')) setAsked(verdict)
  }
  useShortcuts([
    { keys: 'a', does: 'Approve (asks once more)', run: () => ask('approve') },
    { keys: 'd', does: 'Deny or veto (asks once more)', run: () => ask('deny') },
  ])
  if (approval.state !== 'pending') return null
  if (!mayApprove()) return <p class="note">Your role reads; approvers decide.</p>
  return (
    <div class="actions answers">
      {!isVeto && (
        <button type="button" class="primary" onClick={() => ask('approve')}>
          Approve{' '}
          <span class="key" aria-hidden="true">
            a
          </span>
        </button>
      )}
      <button type="button" class={isVeto ? 'danger' : ''} onClick={() => ask('deny')}>
        {isVeto ? 'Veto' : 'Deny'}{' '}
        <span class="key" aria-hidden="true">
          d
        </span>
      </button>
      {asked && <Decide approval={approval} verdict={asked} decided={decided} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

interface DecideProps extends AnswersProps {
  readonly verdict: Verdict
  readonly onClose: () => void
}

function Decide({ approval, verdict, decided, onClose }: DecideProps) {
  const { id, kind, amount, currency, to, recipient } = approval
  const action = verdict === 'approve' ? 'Approve' : kind === 'veto' ? 'Veto' : 'Deny'
  const sum = money(amount, currency)
  return (
    <Confirm
      title={`${action} ${sum}?`}
      text={
        <p>
          {sum} to <strong>{to}</strong> for {approval.agent}.<br />
          <span class="mono small">{recipient}</span>
        </p>
      }
      action={action}
      isDanger={verdict === 'deny'}
      shortcut={verdict === 'approve' ? 'a' : 'd'}
      asksReason
      onConfirm={async (reason) => {
        const now = await post<ApprovalView>(`/v1/approvals/${encodeURIComponent(id)}/${verdict}`, { reason, channel: 'console' })
        announce(`${sum} to ${to}: ${now.state === 'pending' ? 'your yes counts; others have to say yes too' : words(now.state)}.`)
        decided()
      }}
      onClose={onClose}
    />
  )
}

function Notes({ approval, previous }: { readonly approval: ApprovalView; readonly previous: Previous | undefined }) {
  const { reason, changes, justification, untrusted, remaining, currency } = approval
  return (
    <>
      <p>{reason}</p>
      {changes.length > 0 && (
        <ul class="note warn changes">
          {changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {previous?.payment === null && <p class="note warn">No payment to this recipient is on record.</p>}
      {justification !== null && <Untrusted from="agent" text={justification} />}
      {untrusted !== null && <Untrusted from="server" text={untrusted} />}
      <p class="muted">{money(remaining, currency)} were left of the session before this payment.</p>
    </>
  )
}

function Compared({ approval, previous }: { readonly approval: ApprovalView; readonly previous: Previous | undefined }) {
  const earlier = previous?.payment ?? null
  return (
    <table class="compared">
      <caption class="visually-hidden">What will be signed, beside the last payment to this recipient</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">Will be signed</th>
          {earlier && (
            <th scope="col">
              Last payment there,{' '}
              <a href={href(`/payments/${encodeURIComponent(earlier.id)}`)}>
                <When at={earlier.times.decided} />
              </a>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {comparison(approval, earlier).map(({ label, now: mine, before, differs }) => (
          <tr key={label} class={differs ? 'differs' : ''}>
            <th scope="row">{label}</th>
            <td data-label="Will be signed">
              {mine} {differs && <Badge tone="warn">differs</Badge>}
            </td>
            {before !== null && <td data-label="Last payment">{before}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Votes({ approval: { votes, required } }: { readonly approval: ApprovalView }) {
  if (votes.length === 0 && required < 2) return null
  const yes = votes.filter(({ verdict }) => verdict === 'approve').length
  return (
    <section aria-labelledby="votes">
      <h3 id="votes">
        {yes} of {required} {required === 1 ? 'person' : 'people'} said yes
      </h3>
      <ul>
        {votes.map(({ person, verdict, reason, channel, at }) => (
          <li key={person}>
            {verdict === 'approve' ? 'Yes' : 'No'} by {person} ({channel}, <When at={at} />){reason !== '' && `: ${reason}`}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** As every other channel shows it, digest included. */
function Everything({ approval: { facts } }: { readonly approval: ApprovalView }) {
  return (
    <details>
      <summary>Everything that is known</summary>
      <dl class="facts">
        {facts.map(({ label, value, from }) => (
          <div key={label} class={from ? 'foreign' : ''}>
            <dt>{label}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
