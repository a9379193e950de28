export interface Debounced<A extends unknown[]> {
  (...args: A): void;
  /** Runs a waiting call now, if there is one. */
  flush(): void;
  cancel(): void;
}

/** Calls `run` with the last arguments once `ms` have passed without another call. */
export function debounce<A extends unknown[]>(run: (...args: A) => void, ms: number): Debounced<A> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting: A | undefined;

  const fire = () => {
    const args = waiting;
    cancel();
    if (args) run(...args);
  };
  const cancel = () => {
    clearTimeout(timer);
    waiting = undefined;
  };

  return Object.assign(
    (...args: A) => {
      clearTimeout(timer);
      waiting = args;
      timer = setTimeout(fire, ms);
    },
    { flush: fire, cancel },
  );
}
