/** The policy in force in sentences, what is odd about it, those before it, and what another one would have done. */
import { useState } from 'preact/hooks'
import { useLoaded } from '../components/loaded.tsx'
import { ProblemNote } from '../components/notes.tsx'
import { when } from '../format.ts'
import { Findings, Sentences } from './policy-words.tsx'
import type { KeptView, PolicyView } from './shapes.ts'
import { TryPolicy } from './try-policy.tsx'
import './pages.css'

export function PolicyPage() {
  const { data, problem } = useLoaded<PolicyView>('/v1/policy', {}, { news: ['policy'] })
  return (
    <>
      <h1>Policy</h1>
      {problem && <ProblemNote problem={problem} />}
      {data && (
        <>
          <p class="muted">
            Mode <strong>{data.mode}</strong>, version <span class="mono">{data.version}</span>
          </p>
          {data.mode !== 'enforce' && (
            <p class="note warn">Mode {data.mode} pays what the tiers refuse, and only records that they would have.</p>
          )}
          <section class="card" aria-label="In force">
            <Sentences of={data.sentences} />
            <h2>What is odd about it</h2>
            <Findings of={data.lint} none="Nothing." />
            <Versions inForce={data.version} />
          </section>
          <TryPolicy inForce={data} />
        </>
      )}
    </>
  )
}

interface Version {
  readonly version: string
  readonly since: string
}

function Versions({ inForce }: { readonly inForce: string }) {
  const { data } = useLoaded<{ readonly items: readonly Version[] }>('/v1/policy/versions', {}, { news: ['policy'] })
  const [shown, setShown] = useState<string>()
  const before = (data?.items ?? []).filter(({ version }) => version !== inForce)
  if (before.length === 0) return null
  return (
    <details class="versions">
      <summary>Policies before it ({before.length})</summary>
      <ul class="plain">
        {before.slice(0, SHOWN).map(({ version, since }) => (
          <li key={version}>
            <button type="button" aria-expanded={shown === version} onClick={() => setShown(shown === version ? undefined : version)}>
              since {when(since)} <span class="mono">{version}</span>
            </button>
            {shown === version && <Kept version={version} />}
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Older ones by the API and the command line. */
const SHOWN = 50

function Kept({ version }: Pick<Version, 'version'>) {
  const { data, problem } = useLoaded<KeptView>(`/v1/policy/versions/${encodeURIComponent(version)}`)
  if (problem) return <ProblemNote problem={problem} />
  return data ? <Sentences of={data.sentences} /> : null
}
