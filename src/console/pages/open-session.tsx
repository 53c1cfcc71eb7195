/** A new session: asked for with few words, and its token shown once. */
import { useState } from 'preact/hooks'
import { href } from '../address.ts'
import { post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Dialog, FormEnd } from '../components/dialog.tsx'
import { money } from '../format.ts'
import { Copied, fieldOf, newKey, useAction } from './parts.tsx'
import { sessionBody } from './session-form.ts'
import type { OpenedSession, SessionView } from './shapes.ts'

export interface OpenSessionProps {
  /** The new one stands below it and can do less in every respect. */
  readonly parent?: SessionView
  readonly onClose: () => void
}

export function OpenSession({ parent, onClose }: OpenSessionProps) {
  const [opened, setOpened] = useState<OpenedSession>()
  if (opened) return <Opened session={opened} onClose={onClose} />
  return (
    <Dialog title={parent ? `Open a session below ${parent.name ?? parent.purpose}` : 'Open a session'} onClose={onClose}>
      <SessionForm
        parent={parent}
        onClose={onClose}
        onOpened={(session) => {
          setOpened(session)
          announce('The session is open. Its token is shown once.')
        }}
      />
    </Dialog>
  )
}

interface SessionFormProps {
  readonly parent: SessionView | undefined
  readonly onOpened: (session: OpenedSession) => void
  readonly onClose: () => void
}

function SessionForm({ parent, onOpened, onClose }: SessionFormProps) {
  const [key] = useState(newKey)
  const { run, isBusy, problem } = useAction(async (form: FormData) =>
    onOpened(await post<OpenedSession>('/v1/sessions', sessionBody(formOf(form, parent)), { key })),
  )
  return (
    <form
      class="grid"
      onSubmit={(event) => {
        event.preventDefault()
        run(new FormData(event.currentTarget))
      }}
    >
      <Text name="agent" label="Agent" example={parent?.agent ?? 'research-agent'} required={!parent} />
      <Text name="purpose" label="Purpose" example="liquidity report" required={!parent} />
      <Text
        name="cap"
        label={`Cap${parent ? `, of ${money(parent.remaining, parent.currency)} left above` : ''}`}
        example="5.00"
        required
        decimal
      />
      <Text name="ttl" label="Lifetime" example="1h, 30m, 7d" required />
      <Text name="perPayment" label="Each payment at most (optional)" example="1.00" decimal />
      <Text name="payments" label="How many payments (optional)" example="100" />
      <Text name="hosts" label="Only these hosts (optional)" example="api.example.com, *.example.org" />
      <Text name="owner" label="Owner (optional)" example="ops" />
      <label class="check">
        <input type="checkbox" name="singleUse" value="true" /> For one payment only
      </label>
      <FormEnd {...{ problem, isBusy, onClose }} action="Open" />
    </form>
  )
}

function formOf(form: FormData, parent: SessionView | undefined) {
  const text = (name: string) => fieldOf(form, name)
  return {
    ...{ agent: text('agent'), purpose: text('purpose'), cap: text('cap'), ttl: text('ttl'), perPayment: text('perPayment') },
    ...{ payments: text('payments'), hosts: text('hosts'), owner: text('owner'), parent: parent?.id ?? '' },
    singleUse: form.has('singleUse'),
  }
}

interface TextProps {
  readonly name: string
  readonly label: string
  readonly example: string
  readonly required?: boolean
  readonly decimal?: boolean
}

function Text({ name, label, example, required = false, decimal = false }: TextProps) {
  return (
    <label>
      {label}
      <input
        name={name}
        required={required}
        placeholder={example}
        inputMode={decimal ? 'decimal' : 'text'}
        autocomplete="off"
        maxLength={500}
      />
    </label>
  )
}

function Opened({ session, onClose }: { readonly session: OpenedSession; readonly onClose: () => void }) {
  const { id, token, proxyUrl, cap, currency } = session
  return (
    <Dialog title="The session is open" onClose={onClose}>
      <p>
        These are shown only now. Whoever has one of them can spend up to {money(cap, currency)}: hand it to the agent, and to nobody else.
      </p>
      <Copied label="Proxy URL" text={proxyUrl} />
      <Copied label="Token" text={token} />
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
        <a href={href(`/sessions/${encodeURIComponent(id)}`)} onClick={onClose}>
          To the session
        </a>
      </div>
    </Dialog>
  )
}
