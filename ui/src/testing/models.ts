/** Models, downloads and check-ups as the engine tells them. */
import type { Download, ModelInfo, Report, Switch } from '../backend';

export function modelInfo(over: Partial<ModelInfo> = {}): ModelInfo {
  return {
    id: 'bge-small-en-v1.5',
    name: 'bge-small-en-v1.5',
    summary: 'Small, English, made for search; takes texts twice as long as the built-in model.',
    license: 'MIT',
    source: 'huggingface.co/Xenova/bge-small-en-v1.5',
    languages: ['en'],
    dims: 384,
    maxTokens: 512,
    precision: 'fp32',
    kilobytes: 134_000,
    approximate: true,
    memoryKilobytes: 260_000,
    disabled: null,
    notes: [],
    hashesRecorded: true,
    builtIn: false,
    installed: false,
    problem: null,
    serving: false,
    chosen: false,
    ...over,
  };
}

/** One of each kind, in the order of the engine. */
export function catalogue(): ModelInfo[] {
  const builtIn = { builtIn: true, installed: true, hashesRecorded: false, approximate: false } as const;
  return [
    modelInfo({
      ...builtIn,
      id: 'all-minilm-l6-v2',
      name: 'all-MiniLM-L6-v2',
      summary: 'Small and quick, English. Comes with the app.',
      license: 'Apache-2.0',
      source: 'with the app',
      maxTokens: 256,
      kilobytes: 90_780,
      memoryKilobytes: 170_000,
      chosen: true,
    }),
    modelInfo({
      ...builtIn,
      id: 'all-minilm-l6-v2-int8',
      name: 'all-MiniLM-L6-v2 (int8)',
      summary: 'The built-in model in a quarter of the space, twice as quick on a CPU, a little less exact.',
      license: 'Apache-2.0',
      source: 'with the app',
      maxTokens: 256,
      precision: 'int8',
      kilobytes: 24_030,
      memoryKilobytes: 80_000,
    }),
    modelInfo(),
    modelInfo({
      id: 'multilingual-e5-small',
      name: 'multilingual-e5-small',
      summary: 'About a hundred languages, also across languages.',
      source: 'huggingface.co/intfloat/multilingual-e5-small',
      languages: ['mul'],
      kilobytes: 487_400,
      memoryKilobytes: 800_000,
    }),
    modelInfo({
      id: 'embeddinggemma-300m',
      name: 'EmbeddingGemma-300m',
      summary: 'More than a hundred languages, stronger and slower than the small models.',
      license: 'Gemma Terms of Use',
      source: 'huggingface.co/onnx-community/embeddinggemma-300m-ONNX',
      languages: ['mul'],
      dims: 768,
      maxTokens: 2048,
      kilobytes: 1_260_000,
      memoryKilobytes: 1_800_000,
      notes: ['Texts are cut to 2,048 tokens.'],
    }),
    modelInfo({
      id: 'qwen3-embedding-4b',
      name: 'Qwen3-Embedding-4B',
      summary: 'The strongest here, by the recipe of its makers.',
      license: 'Apache-2.0',
      source: 'huggingface.co/Qwen/Qwen3-Embedding-4B',
      languages: ['mul'],
      dims: 2560,
      precision: 'fp16',
      kilobytes: 8_050_000,
      memoryKilobytes: 10_000_000,
      disabled:
        'its weights have to be converted first, and no backend of this version runs a model of this size',
    }),
  ];
}

export function download(over: Partial<Download> = {}): Download {
  return {
    model: 'bge-small-en-v1.5',
    state: 'running',
    phase: 'downloading',
    kilobytesDone: 46_000,
    kilobytesTotal: 133_800,
    kilobytesPerSecond: 2140,
    etaS: 41,
    error: null,
    ...over,
  };
}

/** What stays of a download that stopped. */
export const stopped = { kilobytesPerSecond: null, etaS: null } satisfies Partial<Download>;

export function change(over: Partial<Switch> = {}): Switch {
  return {
    model: 'all-minilm-l6-v2-int8',
    name: 'all-MiniLM-L6-v2 (int8)',
    done: 1480,
    total: 4812,
    paused: false,
    etaS: 95,
    error: null,
    ...over,
  };
}

export function report(): Report {
  const findings: Report['findings'] = [
    {
      name: 'runtime',
      verdict: 'good',
      detail: 'ONNX Runtime 1.22, no uploader in it, with CPU\n/usr/lib/papr/libonnxruntime.so\nsha256 5d0c',
    },
    {
      name: 'model files',
      verdict: 'good',
      detail: 'all-minilm-l6-v2: every byte as in the manifest, 90.8 MB',
    },
    { name: 'vectors', verdict: 'good', detail: '6 texts, 384 dims, least cosine to the reference 0.999998' },
    { name: 'memory', verdict: 'warning', detail: '410.2 MB available of 8.2 GB, 0.0 MB of swap free' },
    { name: 'device', verdict: 'skipped', detail: 'no model is loaded' },
    { name: 'store', verdict: 'bad', detail: '12 memories, 1 entry is damaged\nentry 7: cut short' },
  ];
  return { findings, text: findings.map(({ name, verdict }) => `${verdict} ${name}`).join('\n') };
}
