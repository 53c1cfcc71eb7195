/** What is said where a list is empty or an answer did not come. */
import type { ComponentChildren } from 'preact'
import type { ApiProblem } from '../api.ts'

export function ProblemNote({ problem }: { readonly problem: Pick<ApiProblem, 'detail' | 'nextAction'> }) {
  return (
    <div class="note bad" role="alert">
      <p>{problem.detail}</p>
      {problem.nextAction !== '' && <p class="muted">{problem.nextAction}</p>}
    </div>
  )
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}
