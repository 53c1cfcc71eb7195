/** Small parts that these pages share. */
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { ApiProblem } from '../api.ts'
import { announce } from '../components/announce.tsx'
import { money } from '../format.ts'
import './pages.css'

/** Facts as a list of names and values. */
export function Facts({ children }: { readonly children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>
}

/** Shown only where there is something to say. */
export function Fact({ name, children }: { readonly name: string; readonly children?: ComponentChildren }) {
  if (children === undefined || children === null || children === '' || children === false) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** "$1.20 and 3.00 EUR"; nothing where there is none. */
export function Sums({ of }: { readonly of: Readonly<Record<string, string>> }) {
  const sums = Object.entries(of).map(([currency, amount]) => money(amount, currency))
  return <>{sums.join(' and ')}</>
}

export interface Action<In extends readonly unknown[]> {
  readonly problem: ApiProblem | undefined
  readonly isBusy: boolean
  /** Does nothing while it still runs. */
  readonly run: (...given: In) => void
}

/** Something that asks the server: once at a time, and what goes wrong is kept to be shown. */
export function useAction<In extends readonly unknown[]>(act: (...given: In) => Promise<unknown>): Action<In> {
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setBusy] = useState(false)
  const running = useRef(false)
  const run = (...given: In) => {
    if (running.current) return
    running.current = true
    setBusy(true)
    setProblem(undefined)
    act(...given)
      .catch((cause: unknown) => {
        if (!(cause instanceof ApiProblem)) throw cause
        setProblem(cause)
      })
      .finally(() => {
        running.current = false
        setBusy(false)
      })
      .catch(reportError)
  }
  return { problem, isBusy, run }
}

/** The text in a field that can be selected, and a button that copies it where the browser lets it. */
export function Copied({ label, text }: { readonly label: string; readonly text: string }) {
  const field = useRef<HTMLInputElement>(null)
  const copy = () => {
    field.current?.select()
    const said = navigator.clipboard?.writeText(text).then(() => announce(`${label} copied.`))
    said?.catch(() => announce('The browser does not let it be copied. It is selected: copy it yourself.'))
  }
  return (
    <label class="copied">
      {label}
      <span class="beside">
        <input ref={field} readOnly value={text} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" onClick={copy}>
          Copy
        </button>
      </span>
    </label>
  )
}

/** A key by which a call is made once, however often it is sent. Works without https, too. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** The text of a form's field. */
export function fieldOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
