/** What an operator does about a payment whose end nobody knows: make its authorization worthless, or say how it ended. */
import { useState } from 'preact/hooks'
import { mayOperate, post } from '../client.tsx'
import { announce } from '../components/announce.tsx'
import { Confirm, Dialog, FormEnd } from '../components/dialog.tsx'
import { now } from '../components/time.tsx'
import { money, when, words } from '../format.ts'
import { canCancel, canResolve } from './ending.ts'
import { Copied, Fact, Facts, fieldOf, useAction } from './parts.tsx'
import type { Cancellation, PaymentView, Proposal } from './shapes.ts'

interface Props {
  readonly payment: PaymentView
  readonly done: () => void
}

export function Corrections({ payment, done }: Props) {
  const [asked, setAsked] = useState<'cancel' | 'resolve'>()
  const [cancelled, setCancelled] = useState<Cancellation>()
  const [proposed, setProposed] = useState<Proposal>()
  const mayCancel = canCancel(payment, now.value)
  const close = () => setAsked(undefined)
  if (!mayCancel && !canResolve(payment)) return null
  return (
    <section class="card" aria-labelledby="ending">
      <h2 id="ending">How did it end?</h2>
      <Standing payment={payment} />
      {mayOperate() ? (
        <div class="actions">
          {mayCancel && (
            <button type="button" onClick={() => setAsked('cancel')}>
              Cancel it
            </button>
          )}
          {canResolve(payment) && (
            <button type="button" onClick={() => setAsked('resolve')}>
              Say how it ended
            </button>
          )}
        </div>
      ) : (
        <p class="muted">Cancelling it and saying how it ended takes the role operator.</p>
      )}
      {cancelled && <Cancelled of={cancelled} />}
      {proposed && <Proposed of={proposed} />}
      {asked === 'cancel' && <Cancel payment={payment} onDone={setCancelled} onClose={close} />}
      {asked === 'resolve' && (
        <Resolve
          payment={payment}
          onDone={(said) => {
            setProposed(said)
            done()
          }}
          onClose={close}
        />
      )}
    </section>
  )
}

/** What the money does meanwhile. */
function Standing({ payment: { state, amount, currency, validBefore } }: { readonly payment: PaymentView }) {
  const sum = amount !== null && currency !== null ? money(amount, currency) : 'The money'
  if (state === 'expired')
    return (
      <p>Nobody could show how it ended before its window closed, so {sum} counts as spent. If it never moved, two people can say so.</p>
    )
  if (validBefore === null) return null
  return (
    <p>
      {sum} stays held: whoever has the authorization can take it until {when(validBefore)}. After that the chain is asked, and most
      payments end by themselves.
    </p>
  )
}

interface CancelProps {
  readonly payment: PaymentView
  readonly onDone: (cancelled: Cancellation) => void
  readonly onClose: () => void
}

function Cancel({ payment: { id, amount, currency }, onDone, onClose }: CancelProps) {
  return (
    <Confirm
      title="Cancel this authorization?"
      text={
        <p>
          A cancellation is signed, and submitted where a gas wallet is configured. It races the payment: whichever reaches a block first
          wins. Until a final block shows which, {amount !== null && currency !== null ? money(amount, currency) : 'the money'} stays held.
        </p>
      }
      action="Sign the cancellation"
      dismiss="Leave it"
      isDanger
      onConfirm={async () => {
        const told = await post<Cancellation>(`/v1/payments/${encodeURIComponent(id)}/cancel`)
        announce(told.kind === 'submitted' ? 'The cancellation was submitted.' : 'The cancellation was signed, and not submitted.')
        onDone(told)
      }}
      onClose={onClose}
    />
  )
}

function Cancelled({ of: { kind, transaction, call, note } }: { readonly of: Cancellation }) {
  return (
    <div class="note" role="status">
      <p>{note}</p>
      <Facts>
        <Fact name="Transaction">{transaction !== null && <span class="mono">{transaction}</span>}</Fact>
        <Fact name="Call to">{kind === 'signed' && <span class="mono">{`${call.to} on chain ${call.chainId}`}</span>}</Fact>
      </Facts>
      {kind === 'signed' && <Copied label="Data of the call" text={call.data} />}
    </div>
  )
}

interface ResolveProps {
  readonly payment: PaymentView
  /** Undefined: a second person had said the same, and it is done. */
  readonly onDone: (proposed: Proposal | undefined) => void
  readonly onClose: () => void
}

/** The first person proposes; the second one, who says the same, makes it so. */
function Resolve({ payment: { id }, onDone, onClose }: ResolveProps) {
  const { run, isBusy, problem } = useAction(async (form: FormData) => {
    const transaction = fieldOf(form, 'transaction').trim()
    const said = { outcome: fieldOf(form, 'outcome'), evidence: fieldOf(form, 'evidence').trim(), transaction: transaction || null }
    const told = await post<Proposal | PaymentView>(`/v1/payments/${encodeURIComponent(id)}/resolve`, said)
    const isDone = 'state' in told
    announce(isDone ? `Two people said the same: the payment is ${words(told.state)}.` : 'Noted. Now a second person has to say the same.')
    onDone(isDone ? undefined : told)
    onClose()
  })
  return (
    <Dialog title="How did it end?" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(new FormData(event.currentTarget))
        }}
      >
        <p>Two people, each with their own sign-in, have to say the same. Both stay in the receipt.</p>
        <fieldset>
          <legend>What happened</legend>
          <label class="check">
            <input type="radio" name="outcome" value="settled" required /> The money moved: it counts as spent
          </label>
          <label class="check">
            <input type="radio" name="outcome" value="void" /> It did not, and cannot any more: it is free again
          </label>
        </fieldset>
        <label>
          What you saw, and where
          <input name="evidence" required maxLength={500} autocomplete="off" placeholder="Block explorer: no transfer by this nonce" />
        </label>
        <label>
          Transaction (where there is one)
          <input name="transaction" maxLength={200} autocomplete="off" spellcheck={false} placeholder="0x…" />
        </label>
        <FormEnd {...{ problem, isBusy, onClose }} action="Say so" isDanger />
      </form>
    </Dialog>
  )
}

function Proposed({ of: { by, outcome, at } }: { readonly of: Proposal }) {
  return (
    <p class="note warn" role="status">
      {by} said at {when(at)} that {outcome === 'settled' ? 'the money moved' : 'the money did not move'}. Nothing has changed yet: a second
      person, signed in as somebody else, has to say the same here, or with <code>purser payments resolve</code>.
    </p>
  )
}
