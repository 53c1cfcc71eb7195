/** Dialogs of the browser's own kind: focus stays inside, Escape closes, what is behind cannot be reached. */
import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { ApiProblem } from '../api.ts'
import { ProblemNote } from './notes.tsx'

export interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    ref.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

export interface FormEndProps {
  readonly problem: ApiProblem | undefined
  readonly isBusy: boolean
  /** The word on the button. */
  readonly action: string
  /** The word on the button that does nothing. */
  readonly dismiss?: string
  readonly isDanger?: boolean
  readonly onClose: () => void
  readonly button?: RefObject<HTMLButtonElement | null>
}

/** The end of a dialog's form: what went wrong, the button that acts and the one that does not. */
export function FormEnd({ problem, isBusy, action, dismiss = 'Cancel', isDanger = false, onClose, button }: FormEndProps) {
  return (
    <>
      {problem && <ProblemNote problem={problem} />}
      <div class="actions">
        <button {...(button && { ref: button })} type="submit" class={isDanger ? 'danger' : 'primary'} aria-disabled={isBusy}>
          {action}
        </button>
        <button type="button" onClick={onClose}>
          {dismiss}
        </button>
      </div>
    </>
  )
}

export interface ConfirmProps {
  readonly title: string
  readonly text: ComponentChildren
  readonly action: string
  readonly dismiss?: string
  readonly isDanger?: boolean
  /** Pressed once more, this key confirms as well. */
  readonly shortcut?: string
  /** Asks for a reason, which is handed on. */
  readonly asksReason?: boolean
  readonly onConfirm: (reason: string) => Promise<unknown>
  readonly onClose: () => void
}

/** Nothing happens before the second press; what goes wrong is said here, and the dialog stays. */
export function Confirm({
  title,
  text,
  action,
  dismiss = 'Cancel',
  isDanger = false,
  shortcut,
  asksReason = false,
  ...props
}: ConfirmProps) {
  const { onConfirm, onClose } = props
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setBusy] = useState(false)
  const reason = useRef<HTMLInputElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => button.current?.focus(), [])
  const confirm = async () => {
    if (isBusy) return
    setBusy(true)
    try {
      await onConfirm(reason.current?.value ?? '')
      onClose()
    } catch (cause) {
      if (!(cause instanceof ApiProblem)) throw cause
      setProblem(cause)
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
        onKeyDown={(event) => {
          if (event.key !== shortcut || event.repeat || event.target instanceof HTMLInputElement) return
          event.preventDefault()
          event.stopPropagation()
          void confirm()
        }}
      >
        <div class="said">{text}</div>
        {asksReason && (
          <label>
            Reason (optional)
            <input ref={reason} name="reason" maxLength={500} autocomplete="off" />
          </label>
        )}
        <FormEnd {...{ problem, isBusy, action, dismiss, isDanger, onClose, button }} />
        {shortcut && (
          <p class="hint">
            <kbd>{shortcut}</kbd> or <kbd>Enter</kbd> confirms, <kbd>Esc</kbd> cancels.
          </p>
        )}
      </form>
    </Dialog>
  )
}
