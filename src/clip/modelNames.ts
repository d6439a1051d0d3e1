/** Names that people use for encoders, as the Hugging Face repository that holds them, or the reason why it cannot run here. */

export interface ModelName {
  /** 'org/name'. */
  readonly repository: string
  /** Branch, tag or commit. */
  readonly revision: string
}

/** OpenAI's names and OpenCLIP's (architecture, pretraining tag), each in Hugging Face layout somewhere. */
const CLIPS: Readonly<Record<string, string>> = {
  'vit-b-32': 'openai/clip-vit-base-patch32',
  'vit-b-16': 'openai/clip-vit-base-patch16',
  'vit-l-14': 'openai/clip-vit-large-patch14',
  'vit-l-14-336': 'openai/clip-vit-large-patch14-336',
  'vit-b-32:laion2b_s34b_b79k': 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K',
  'vit-b-32:datacomp_xl_s13b_b90k': 'laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K',
  'vit-b-16:laion2b_s34b_b88k': 'laion/CLIP-ViT-B-16-laion2B-s34B-b88K',
  'vit-b-16:datacomp_xl_s13b_b90k': 'laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K',
  'vit-l-14:laion2b_s32b_b82k': 'laion/CLIP-ViT-L-14-laion2B-s32B-b82K',
  'vit-l-14:datacomp_xl_s13b_b90k': 'laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K',
  'vit-h-14:laion2b_s32b_b79k': 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
}

/** SigLIPs of one picture size by OpenCLIP's name; the repositories are google's. */
const SIGLIPS: Readonly<Record<string, string>> = {
  'vit-b-16-siglip': 'siglip-base-patch16-224',
  'vit-b-16-siglip-256': 'siglip-base-patch16-256',
  'vit-b-16-siglip-384': 'siglip-base-patch16-384',
  'vit-b-16-siglip-512': 'siglip-base-patch16-512',
  'vit-b-16-siglip-i18n-256': 'siglip-base-patch16-256-multilingual',
  'vit-l-16-siglip-256': 'siglip-large-patch16-256',
  'vit-l-16-siglip-384': 'siglip-large-patch16-384',
  'vit-so400m-14-siglip': 'siglip-so400m-patch14-224',
  'vit-so400m-14-siglip-384': 'siglip-so400m-patch14-384',
  'vit-so400m-16-siglip-i18n-256': 'siglip-so400m-patch16-256-i18n',
  'vit-b-32-siglip2-256': 'siglip2-base-patch32-256',
  'vit-b-16-siglip2': 'siglip2-base-patch16-224',
  'vit-b-16-siglip2-256': 'siglip2-base-patch16-256',
  'vit-b-16-siglip2-384': 'siglip2-base-patch16-384',
  'vit-b-16-siglip2-512': 'siglip2-base-patch16-512',
  'vit-l-16-siglip2-256': 'siglip2-large-patch16-256',
  'vit-l-16-siglip2-384': 'siglip2-large-patch16-384',
  'vit-l-16-siglip2-512': 'siglip2-large-patch16-512',
  'vit-so400m-14-siglip2': 'siglip2-so400m-patch14-224',
  'vit-so400m-14-siglip2-378': 'siglip2-so400m-patch14-384',
  'vit-so400m-16-siglip2-256': 'siglip2-so400m-patch16-256',
  'vit-so400m-16-siglip2-384': 'siglip2-so400m-patch16-384',
  'vit-so400m-16-siglip2-512': 'siglip2-so400m-patch16-512',
  'vit-gopt-16-siglip2-256': 'siglip2-giant-opt-patch16-256',
  'vit-gopt-16-siglip2-384': 'siglip2-giant-opt-patch16-384',
}

/** Both kinds of names, and google's own without the organisation. */
const ALIASES: Readonly<Record<string, string>> = {
  ...CLIPS,
  ...Object.fromEntries(Object.entries(SIGLIPS).flatMap(([alias, name]) => [alias, name].map(key => [key, `google/${name}`]))),
}

/** Families that are taken for CLIP or SigLIP and have other towers. */
const REFUSED: readonly [RegExp, string][] = [
  [/naflex/i, 'NaFlex takes pictures of any shape, padded and masked, which the towers here do not do'],
  [/\b(rn50|rn101|resnet)/i, 'its image tower is a ResNet, the towers here are transformers'],
  [/convnext/i, 'its image tower is a ConvNeXt, the towers here are transformers'],
  [/\beva0?2?[-_]/i, 'EVA-CLIP has rotary positions and sub-layer norms, which the towers here do not have'],
  [/\bcoca[-_]/i, 'CoCa pools by attention into many tokens and has a decoder, which the towers here do not do'],
  [/xlm-roberta|chinese-clip|\bmt5-|nllb/i, 'its text tower is not that of CLIP or SigLIP'],
  [/mobileclip|vitamin/i, 'its image tower is a hybrid of convolutions and attention, the towers here are plain transformers'],
  [/blip|align-base|altclip|clipseg/i, 'it is another model than CLIP'],
]

const FORM = /^[\w.-]+\/[\w.-]+$/

/** Whether a text has the form of a model's name ('org/name', 'org/name@revision', 'ViT-B-32', 'ViT-B-32:laion2b_s34b_b79k'). */
export function isModelName(text: string): boolean {
  const { name } = splitRevision(text)
  return ALIASES[aliasKey(name)] !== undefined || (FORM.test(name) && !name.split('/').some(part => /^\.+$/.test(part)))
}

/**
 * The repository and revision (default 'main') of a name. Throws, with the reason, for families that cannot run here, and for what is no name.
 */
export function modelName(text: string, revision?: string): ModelName {
  const { name, pinned } = splitRevision(text)
  const refusal = REFUSED.find(([family]) => family.test(name))
  if (refusal) throw new Error(`${text}: cannot be used, because ${refusal[1]}; use a CLIP such as openai/clip-vit-base-patch32`)
  const repository = ALIASES[aliasKey(name)] ?? name
  if (!isModelName(repository)) {
    throw new Error(
      `${text}: not the name of a model; give one such as openai/clip-vit-base-patch32, or ViT-B-32:laion2b_s34b_b79k as OpenCLIP says it`,
    )
  }
  const wanted = revision ?? pinned ?? 'main'
  // it becomes part of a path and of an address
  if (!/^[\w][\w./-]*$/.test(wanted) || wanted.includes('..'))
    throw new Error(`${text}: the revision "${wanted}" is no branch, tag or commit; leave it out for main`)
  return { repository, revision: wanted }
}

/** 'name@revision', after OpenCLIP's 'hf-hub:' if need be; the '@336px' of OpenAI's largest model is part of its name. */
function splitRevision(text: string): { name: string; pinned?: string } {
  const [name, pinned] = text
    .replace(/^hf-hub:/i, '')
    .replace(/@336(px)?$/i, '-336')
    .split('@')
  return { name, pinned }
}

/** 'ViT-B/32', 'ViT-L-14@336px', 'ViT-B-32 openai', 'timm/ViT-B-16-SigLIP' in one spelling. */
function aliasKey(name: string): string {
  const key = name
    .trim()
    .toLowerCase()
    .replace(/^timm\/(?=vit-[a-z0-9]+-\d+-siglip)/, '') // OpenCLIP's own repositories, in another layout
    .replace(/^vit-([a-z0-9]+)\/(\d+)/, 'vit-$1-$2')
    .replace(/[-_]quickgelu/, '')
    .replace(/[ :/]+(openai|webli)$/, '')
  return key.replace(/ +/, ':')
}
