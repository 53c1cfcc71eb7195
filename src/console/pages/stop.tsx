/** The kill switch: what is stopped, stopping more, and letting it go on. Nothing happens before a second press. */
import { useState } from 'preact/hooks'
import { mayOperate, post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Confirm } from '../components/dialog.tsx'
import { useLoaded } from '../components/loaded.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { When } from '../components/time.tsx'
import { route } from '../router.tsx'
import { fieldOf } from './parts.tsx'
import type { HaltView, PageOf } from './shapes.ts'

type Scope = HaltView['scope']

const SCOPES: readonly { readonly scope: Scope; readonly label: string; readonly example: string }[] = [
  { scope: 'all', label: 'All payments', example: '' },
  { scope: 'agent', label: 'Those of one agent', example: 'research-agent' },
  { scope: 'session', label: 'Those of one session and all below it', example: 'ses_…' },
  { scope: 'recipient', label: 'Those to one recipient', example: 'api.example.com or 0x…' },
]

/** "all payments", "payments of agent x". */
function named({ scope, value }: Pick<HaltView, 'scope' | 'value'>): string {
  if (scope === 'all') return 'all payments'
  return scope === 'recipient' ? `payments to ${value}` : `payments of ${scope} ${value}`
}

export function StopPage() {
  const { query } = route.value
  const halts = useLoaded<PageOf<HaltView>>('/v1/halts', {}, { news: ['halts'] })
  const items = halts.data?.items ?? []
  const [asked, setAsked] = useState<Pick<HaltView, 'scope' | 'value' | 'reason'>>()
  const [lifted, setLifted] = useState<HaltView>()
  return (
    <>
      <h1>Stop payments</h1>
      {halts.problem && <ProblemNote problem={halts.problem} />}
      {halts.data && <Stopped of={items} onResume={setLifted} />}
      {mayOperate() ? (
        <StopForm key={query.toString()} query={query} onAsk={setAsked} />
      ) : (
        <p class="muted">Stopping and resuming takes the role operator.</p>
      )}
      <p class="muted">
        It holds on all processes within a second. Traffic that pays nothing goes on, and what is signed already stays accounted for.
        Without this page: <a href="/stop">the plain one</a>, or <code>purser halt</code>.
      </p>
      {asked && (
        <Confirm
          title={`Stop ${named(asked)}?`}
          text={<p>{asked.reason === '' ? 'Agents are told that payments are stopped.' : `Agents are told: ${asked.reason}`}</p>}
          action="Stop them now"
          isDanger
          onConfirm={async () => {
            await post('/v1/halt', asked)
            announce(`Stopped: ${named(asked)}.`)
            halts.reload()
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
      {lifted && (
        <Confirm
          title={`Let ${named(lifted)} go on?`}
          text={<p>{lifted.reason === '' ? 'They were stopped without a reason.' : `They were stopped because: ${lifted.reason}`}</p>}
          action="Let them go on"
          onConfirm={async () => {
            await post('/v1/resume', { scope: lifted.scope, value: lifted.value })
            announce(`Going on: ${named(lifted)}.`)
            halts.reload()
          }}
          onClose={() => setLifted(undefined)}
        />
      )}
    </>
  )
}

function Stopped({ of, onResume }: { readonly of: readonly HaltView[]; readonly onResume: (halt: HaltView) => void }) {
  if (of.length === 0) return <p class="note good">Nothing is stopped.</p>
  return (
    <section aria-label="What is stopped" class="note bad">
      <ul class="plain halts">
        {of.map((halt) => (
          <li key={`${halt.scope} ${halt.value}`}>
            <p>
              <strong>Stopped: {named(halt)}</strong>, <When at={halt.at} />
              {halt.reason !== '' && <>: {halt.reason}</>}
            </p>
            {mayOperate() && (
              <button type="button" onClick={() => onResume(halt)}>
                Let them go on
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

interface StopFormProps {
  /** May name a scope and a value. */
  readonly query: URLSearchParams
  readonly onAsk: (halt: Pick<HaltView, 'scope' | 'value' | 'reason'>) => void
}

function StopForm({ query, onAsk }: StopFormProps) {
  const [scope, setScope] = useState<Scope>(() => SCOPES.find((one) => one.scope === query.get('scope'))?.scope ?? 'all')
  const example = SCOPES.find((one) => one.scope === scope)?.example ?? ''
  return (
    <form
      class="card stop"
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        onAsk({ scope, value: fieldOf(form, 'value').trim(), reason: fieldOf(form, 'reason').trim() })
      }}
    >
      <fieldset>
        <legend>What</legend>
        {SCOPES.map((one) => (
          <label key={one.scope} class="check">
            <input type="radio" name="scope" value={one.scope} checked={scope === one.scope} onChange={() => setScope(one.scope)} />{' '}
            {one.label}
          </label>
        ))}
      </fieldset>
      {scope !== 'all' && (
        <label>
          Which {scope}
          <input name="value" required placeholder={example} defaultValue={query.get('value') ?? ''} autocomplete="off" maxLength={500} />
        </label>
      )}
      <label>
        Reason (optional; agents are told)
        <input name="reason" autocomplete="off" maxLength={500} />
      </label>
      <div class="actions">
        <button type="submit" class="danger big">
          Stop payments
        </button>
      </div>
    </form>
  )
}
