/** Topics as typed, "work, api,Work" → ["work", "api"]: trimmed, without doubles of any case. */
export function parseTopics(text: string): string[] {
  const seen = new Set<string>();
  return text
    .split(',')
    .map((topic) => topic.trim().replace(/\s+/g, ' '))
    .filter((topic) => {
      const key = topic.toLowerCase();
      if (!topic || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

/** Topics as they are typed: with the comma that takes them apart again, in any language. */
export function typedTopics(topics: readonly string[]): string {
  return topics.join(', ');
}
