/** What an operator does to a session. */
import { useState } from 'preact/hooks'
import { href } from '../address.ts'
import { post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Confirm, Dialog, FormEnd } from '../components/dialog.tsx'
import { money } from '../format.ts'
import { OpenSession } from './open-session.tsx'
import { fieldOf, newKey, useAction } from './parts.tsx'
import type { SessionView } from './shapes.ts'

type Asked = 'top up' | 'open' | 'close' | 'revoke'

export function SessionActions({ session }: { readonly session: SessionView }) {
  const [asked, setAsked] = useState<Asked>()
  const { id, state } = session
  const done = () => setAsked(undefined)
  const ask = (what: Asked, label: string, isDanger = false) => (
    <button type="button" class={isDanger ? 'final' : undefined} onClick={() => setAsked(what)}>
      {label}
    </button>
  )
  const hasEnded = state === 'closed' || state === 'revoked'
  return (
    <div class="actions">
      {!hasEnded && ask('top up', 'Top up')}
      {state === 'open' && ask('open', 'Open one below it')}
      {!hasEnded && ask('close', 'Close')}
      {state !== 'revoked' && ask('revoke', 'Revoke', true)}
      <a href={href('/stop', { scope: 'session', value: id })}>Stop its payments</a>
      {asked === 'top up' && <TopUp session={session} onClose={done} />}
      {asked === 'open' && <OpenSession parent={session} onClose={done} />}
      {asked === 'close' && <Close session={session} onClose={done} />}
      {asked === 'revoke' && <Revoke session={session} onClose={done} />}
    </div>
  )
}

interface ActionProps {
  readonly session: SessionView
  readonly onClose: () => void
}

const pathOf = ({ id }: SessionView, verb: string) => `/v1/sessions/${encodeURIComponent(id)}/${verb}`

function TopUp({ session, onClose }: ActionProps) {
  const [key] = useState(newKey)
  const { run, isBusy, problem } = useAction(async (form: FormData) => {
    const extend = fieldOf(form, 'extend').trim()
    const { remaining, currency } = await post<SessionView>(
      pathOf(session, 'topup'),
      { amount: fieldOf(form, 'amount').trim(), ...(extend !== '' && { extend }) },
      { key },
    )
    announce(`Topped up: ${money(remaining, currency)} left.`)
    onClose()
  })
  return (
    <Dialog title="Top up" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(new FormData(event.currentTarget))
        }}
      >
        <label>
          Add to its cap of {money(session.cap, session.currency)}
          <input name="amount" required inputMode="decimal" placeholder="5.00" autocomplete="off" />
        </label>
        <label>
          Longer by (optional)
          <input name="extend" placeholder="1h" autocomplete="off" />
        </label>
        <FormEnd {...{ problem, isBusy, onClose }} action="Top up" />
      </form>
    </Dialog>
  )
}

function Close({ session, onClose }: ActionProps) {
  const { held, currency } = session
  return (
    <Confirm
      title="Close this session?"
      text={
        <p>
          It and all below it pay nothing any more; what costs nothing still passes. {money(held, currency)} stays held until its outcome is
          known.
        </p>
      }
      action="Close it"
      onConfirm={async () => {
        const { state } = await post<SessionView>(pathOf(session, 'close'))
        announce(`The session is ${state}.`)
      }}
      onClose={onClose}
    />
  )
}

function Revoke({ session, onClose }: ActionProps) {
  return (
    <Confirm
      title="Revoke this session?"
      text={<p>It, all below it and all their traffic stop at once, for good: paid or not. This cannot be taken back.</p>}
      action="Revoke it"
      isDanger
      onConfirm={async () => {
        await post<SessionView>(pathOf(session, 'revoke'))
        announce('The session is revoked.')
      }}
      onClose={onClose}
    />
  )
}
