/** Words of servers and agents: plain text, marked as somebody else's, never a link and never markup. */

export interface UntrustedProps {
  readonly text: string
  /** Whose words. */
  readonly from: 'agent' | 'server'
}

export function Untrusted({ text, from }: UntrustedProps) {
  return (
    <figure class="untrusted">
      <figcaption>{from === 'agent' ? 'The agent says' : 'The server says'} (not checked)</figcaption>
      <blockquote dir="auto">{text}</blockquote>
    </figure>
  )
}
