/**
 * Workers: further processes that accept agents and pay, beside the primary, which keeps what there is only one of. This
 * folder is what lies between the two.
 *
 * primary: owns the ledger's file, the admin door and the listening port. worker: serves the connections that it is
 * handed. link: the messages between the primary and one worker, in order. door: where a worker's calls reach the ledger.
 */

/** The id of calls that nobody waits for. */
export const NOTE = 0

/** Where messages leave and come in: a child process, or a child's own end. */
export interface Wire {
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
}

/** Messages arrive in the order in which they were posted. */
export interface Link<Out> {
  post(message: Out): void
}

/**
 * What is posted in one turn of the event loop leaves as one message: a busy worker asks many things at once, and each
 * message costs two system calls. Both ends are the same program, started by one another, so that nothing is checked.
 */
export function createLink<Out, In>(wire: Wire, receive: (message: In) => void): Link<Out> {
  let gathered: Out[] = []
  const leave = () => {
    const messages = gathered
    gathered = []
    wire.send(messages)
  }
  wire.onMessage((messages) => {
    if (Array.isArray(messages)) for (const message of messages) receive(message)
  })
  return {
    post(message) {
      if (gathered.push(message) === 1) setImmediate(leave)
    },
  }
}
