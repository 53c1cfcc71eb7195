/** Another policy, pasted: read in sentences, checked, and held against what happened. Nothing changes by it. */
import { useState } from 'preact/hooks'
import { post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Badge } from '../components/badge.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { words } from '../format.ts'
import { fieldOf, useAction } from './parts.tsx'
import { Findings } from './policy-words.tsx'
import { sentenceChanges } from './sentence-changes.ts'
import type { CheckView, PolicyView, SimulationView } from './shapes.ts'
import { Differences } from './simulated.tsx'

interface Tried {
  readonly check: CheckView
  readonly simulation: SimulationView
  readonly left: readonly string[]
}

const DAY_MS = 86_400_000
const SPANS = [
  { label: 'the last day', days: 1 },
  { label: 'the last 7 days', days: 7 },
  { label: 'the last 30 days', days: 30 },
  { label: 'everything on record', days: 0 },
] as const

export function TryPolicy({ inForce }: { readonly inForce: PolicyView }) {
  const [tried, setTried] = useState<Tried>()
  const [unreadable, setUnreadable] = useState<string>()
  const { run, isBusy, problem } = useAction(async (form: FormData) => {
    setTried(undefined)
    // The reader of YAML is as large as half of this page: it comes when it is wanted.
    const { readPasted } = await import('./pasted-policy.ts')
    const pasted = readPasted(fieldOf(form, 'policy'))
    setUnreadable(pasted.kind === 'unreadable' ? pasted.why : undefined)
    if (pasted.kind === 'unreadable') return
    const asked = { ...pasted.simulate, ...spanOf(form) }
    const [check, simulation] = await Promise.all([
      post<CheckView>('/v1/policy/check', pasted.check),
      post<SimulationView>('/v1/policy/simulate', asked),
    ])
    setTried({ check, simulation, left: pasted.left })
    announce(`${simulation.changed} of ${simulation.judged} payments would have been decided otherwise.`)
  })
  return (
    <section aria-labelledby="try" class="card try">
      <h2 id="try">Try another policy</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(new FormData(event.currentTarget))
        }}
      >
        <label>
          Tiers or a whole purser.yaml. What it leaves out stays as it is in force; nothing changes.
          <textarea name="policy" rows={10} spellcheck={false} class="mono" placeholder={EXAMPLE} />
        </label>
        <div class="fields">
          <label>
            Against
            <select name="days">
              {SPANS.map(({ label, days }) => (
                <option key={days} value={String(days)}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label>
            Only this agent (optional)
            <input name="agent" autocomplete="off" maxLength={200} />
          </label>
        </div>
        <div class="actions">
          <button type="submit" class="primary" aria-disabled={isBusy}>
            {isBusy ? 'Judging…' : 'Check and simulate'}
          </button>
        </div>
      </form>
      {unreadable !== undefined && <ProblemNote problem={{ detail: unreadable, nextAction: '' }} />}
      {problem && <ProblemNote problem={problem} />}
      {tried && <Result of={tried} inForce={inForce} />}
    </section>
  )
}

const EXAMPLE = `tiers:
  - name: autonomous
    conditions: { maxAmount: 1.00, categories: [search], recipientTrust: verified, frequency: { max: 100, per: 1h } }
    approval: none`

function spanOf(form: FormData): Record<string, string> {
  const days = Number(fieldOf(form, 'days'))
  const agent = fieldOf(form, 'agent').trim()
  return { ...(days > 0 && { since: new Date(Date.now() - days * DAY_MS).toISOString() }), ...(agent !== '' && { agent }) }
}

function Result({ of: { check, simulation, left }, inForce }: { readonly of: Tried; readonly inForce: PolicyView }) {
  return (
    <div class="result">
      <h3>What it says</h3>
      <ol class="sentences changes">
        {sentenceChanges(inForce.sentences, check.sentences).map(({ kind, sentence }) => (
          <li key={`${kind} ${sentence}`} class={kind}>
            {kind !== 'same' && <Badge tone={kind === 'new' ? 'accent' : 'plain'}>{kind}</Badge>}{' '}
            {kind === 'gone' ? <del>{sentence}</del> : kind === 'new' ? <ins>{sentence}</ins> : sentence}
          </li>
        ))}
      </ol>
      {left.map((sentence) => (
        <p key={sentence} class="muted">
          {sentence}
        </p>
      ))}
      <h3>What is odd about it</h3>
      <Findings of={check.lint} none="Nothing." />
      <Checks of={check} />
      <h3>What it would have changed</h3>
      <Differences of={simulation} />
    </div>
  )
}

function Checks({ of: { checks, findings, compliant } }: { readonly of: CheckView }) {
  const names = Object.keys(checks) as (keyof CheckView['checks'])[]
  return (
    <details>
      <summary>Five checks of proportion: {compliant ? 'all hold' : 'not all hold'}</summary>
      <ul class="plain findings">
        {names.map((name) => (
          <li key={name}>
            <Badge tone={checks[name] ? 'good' : 'warn'}>{checks[name] ? 'holds' : 'does not hold'}</Badge> <strong>{words(name)}</strong>:{' '}
            {findings[name]}
          </li>
        ))}
      </ul>
    </details>
  )
}
