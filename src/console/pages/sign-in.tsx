/** Who are you? An admin token, or the organisation's own sign-in where it is set up. The token is not kept by the page. */
import { useEffect, useState } from 'preact/hooks'
import { ApiProblem } from '../api.ts'
import { get, type Me, me, post } from '../client.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { keepPlace, route, SIGN_IN, toKeptPlace } from '../router.tsx'

interface Door {
  readonly oidc: boolean
  readonly oidcName: string | null
}

const FAILED: Readonly<Record<string, string>> = {
  refused: 'The sign-in was refused there.',
  expired: 'The sign-in took too long. Try again.',
  role: 'You are known, but no role here belongs to you. Ask whoever runs this Purser.',
  provider: 'The provider of the sign-in did not answer as it should.',
}

export function SignIn() {
  const [door, setDoor] = useState<Door>()
  const [problem, setProblem] = useState<ApiProblem>()
  useEffect(() => {
    get<Door>('/console/door').then(setDoor, () => undefined)
  }, [])
  const enter = async (form: HTMLFormElement) => {
    setProblem(undefined)
    const token = String(new FormData(form).get('token') ?? '').trim()
    try {
      const known = await post<Me>('/console/sign-in', { token })
      form.reset()
      toKeptPlace()
      me.value = known
    } catch (cause) {
      if (!(cause instanceof ApiProblem)) throw cause
      setProblem(cause)
    }
  }
  const { path, query } = route.value
  const failed = path === SIGN_IN ? FAILED[query.get('failed') ?? ''] : undefined
  return (
    <main class="sign-in">
      <h1>Purser</h1>
      <p class="muted">The operators’ console of the paying proxy.</p>
      {failed && <ProblemNote problem={{ detail: failed, nextAction: '' }} />}
      {door?.oidc && (
        <p>
          <a class="button primary" href="/console/oidc" onClick={keepPlace}>
            Sign in with {door.oidcName ?? 'your organisation'}
          </a>
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void enter(event.currentTarget)
        }}
      >
        <label>
          Admin token
          <input name="token" type="password" autocomplete="current-password" required maxLength={500} spellcheck={false} />
        </label>
        {problem && <ProblemNote problem={problem} />}
        <div class="actions">
          <button type="submit" class={door?.oidc ? '' : 'primary'}>
            Sign in
          </button>
        </div>
      </form>
      <p class="muted small">
        The first token stands in <code>admin.token</code> in the data folder; others are made by <code>purser token create</code>. In an
        emergency: <a href="/stop">stop payments</a>.
      </p>
    </main>
  )
}
