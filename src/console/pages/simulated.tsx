/** What a simulated policy would have changed, as tables. */
import { href } from '../address.ts'
import { Badge } from '../components/badge.tsx'
import { money, when, words } from '../format.ts'
import { GATES, gateWords, movesOf } from './differences.ts'
import { Sums } from './parts.tsx'
import type { SimulationView } from './shapes.ts'

export function Differences({ of }: { readonly of: SimulationView }) {
  const { judged, changed, uncertain, from, truncated, notJudged, unlisted, changes, caveats } = of
  if (judged === 0) return <p>Nothing on record could be judged{from === null ? ': there is no payment in this span' : ''}.</p>
  return (
    <>
      <p class="lead">
        {changed === 0 ? 'Nothing: ' : `${changed} of `}
        {judged} payments {changed === 0 ? 'would all have been decided the same' : 'would have been decided otherwise'}
        {from !== null && `, since ${when(from)}`}.{uncertain > 0 && ` For ${uncertain} of them it is not certain.`}
      </p>
      {truncated && <p class="note warn">There are older payments that were not looked at.</p>}
      <Gates of={of} />
      <Moves of={of} />
      <Changed of={changes} />
      {unlisted > 0 && <p class="muted">{unlisted} further changes are counted and not listed.</p>}
      {notJudged.length > 0 && (
        <details>
          <summary>What was not judged</summary>
          <ul>
            {notJudged.map(({ reason, payments }) => (
              <li key={reason}>
                {payments}: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      <details>
        <summary>What this cannot know</summary>
        <ul>
          {caveats.map((caveat) => (
            <li key={caveat}>{caveat}</li>
          ))}
        </ul>
      </details>
    </>
  )
}

function Gates({ of: { before, after } }: { readonly of: SimulationView }) {
  return (
    <table class="small-table">
      <caption class="visually-hidden">How many payments, before and after</caption>
      <thead>
        <tr>
          <th scope="col">Payments</th>
          <th scope="col">as it was</th>
          <th scope="col">with this policy</th>
        </tr>
      </thead>
      <tbody>
        {GATES.map((gate) => (
          <tr key={gate} class={before[gate] === after[gate] ? undefined : 'differs'}>
            <th scope="row">{gateWords(gate)}</th>
            <td>{before[gate]}</td>
            <td>{after[gate]}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">spent</th>
          <td>
            <Sums of={before.spent} />
          </td>
          <td>
            <Span least={after.atLeast} most={after.atMost} />
          </td>
        </tr>
      </tbody>
    </table>
  )
}

type SumsOf = Readonly<Record<string, string>>

function Span({ least, most }: { readonly least: SumsOf; readonly most: SumsOf }) {
  const isOne = Object.keys(most).every((currency) => most[currency] === least[currency])
  if (isOne) return <Sums of={most} />
  return (
    <>
      <Sums of={least} /> to <Sums of={most} />
    </>
  )
}

function Moves({ of: { changes } }: { readonly of: SimulationView }) {
  const moves = movesOf(changes)
  if (moves.length === 0) return null
  return (
    <ul class="plain moves">
      {moves.map(({ from, to, payments, amounts, isWider }) => (
        <li key={`${from} ${to}`}>
          <Badge tone={isWider ? 'warn' : 'accent'}>{isWider ? 'wider' : 'narrower'}</Badge> {payments} that were {gateWords(from)} would be{' '}
          {gateWords(to)} (<Sums of={amounts} />)
        </li>
      ))}
    </ul>
  )
}

/** The first of them; all go by the API and the command line. */
const LISTED = 25

function Changed({ of }: { readonly of: SimulationView['changes'] }) {
  if (of.length === 0) return null
  return (
    <details open>
      <summary>Which payments{of.length > LISTED && ` (${LISTED} of ${of.length})`}</summary>
      <ul class="plain changed">
        {of.slice(0, LISTED).map(({ paymentId, at, agent, method, url, amount, currency, certain, before, after }) => (
          <li key={paymentId}>
            <a href={href(`/payments/${encodeURIComponent(paymentId)}`)}>{money(amount, currency)}</a> {method} {url}{' '}
            <span class="muted small">
              <bdi>{agent}</bdi>, {when(at)}
            </span>
            <br />
            <span class="small">
              {words(before.tier) || 'no tier'}: {gateWords(before.decision)} → {words(after.tier) || 'no tier'}:{' '}
              {gateWords(after.decision)}
              {!certain && ' (not certain)'}. {after.reason}
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}
