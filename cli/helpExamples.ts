/** What the help of each verb ends with. A test holds them to the verbs' options. */
export const HELP_EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  import: ['me.mp4 -o me.capture', 'nerfstudio/transforms.json -o ada.capture', 'scan.zip --format colmap --masks background -o ada.capture'],
  inspect: ['ada.capture', 'ada.capture -o report.html --no-expressions'],
  export: ['ada.capture --format transforms -o ada-nerfstudio'],
  train: ['ada.capture -o ada.scene', 'ada.capture -o ada.scene --resume', 'ada.capture -o ada.scene --preset fast --downscale 2'],
  anchors: ['ada.scene', 'ada.scene --anchors 5 --reference 000012'],
  edit: [
    'ada.scene "a surprised face" -o surprised.edit',
    'ada.scene "closed eyes" --from surprised.edit --region eyes -o both.edit',
    'ada.scene --expression AU26=0.8,eyeBlink=1 -o units.edit',
    'ada.scene --target smile.png=camera.json -o like.edit',
  ],
  history: ['both.edit', 'both.edit --show 1'],
  render: [
    'ada.scene --edit surprised.edit --camera 000000 -o surprised.png',
    'ada.scene --edit surprised.edit --orbit 60 --baked -o surprised.webp',
    'ada.scene --from 000000 --to 000058 --at 0.5 -o between.png',
    'ada.scene --path camera_path.json -o film.mp4',
  ],
  mesh: ['ada.scene --edit surprised.edit -o face.glb'],
  share: ['ada.scene --edit surprised.edit --edit both.edit -o face.html'],
  evaluate: ['ada.scene ada.capture', 'ada.scene --edits surprised.edit both.edit --capture ada.capture -o report'],
  benchmark: ['ada.capture -o out/benchmark', 'ada.capture --methods pac hypernerf+i no-edit --prompts happy "a face with closed eyes"'],
  studio: ['', 'ada.scene surprised.edit'],
  demo: ['', '-o out/demo --steps 600'],
  models: ['pull openai/clip-vit-base-patch32', 'list', 'import clip-folder --name openai/clip-vit-base-patch32'],
}
