#!/usr/bin/env node
// A stand-in for COLMAP: says what COLMAP says, and writes a model of cameras on an arc. FAKE_COLMAP names how it goes: works, few, static, slow or crash.
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const [command, ...args] = process.argv.slice(2)
const mode = process.env.FAKE_COLMAP ?? 'works'
const modern = (process.env.FAKE_COLMAP_VERSION ?? '3.8').startsWith('4')
const value = name => args[args.indexOf(`--${name}`) + 1]
const names = folder =>
  readdirSync(folder)
    .filter(name => name.endsWith('.png'))
    .sort()

const OPTIONS = {
  feature_extractor: [
    'database_path',
    'image_path',
    'ImageReader.mask_path',
    'ImageReader.single_camera',
    'ImageReader.camera_model',
    'SiftExtraction.max_num_features',
    ...(modern ? ['FeatureExtraction.use_gpu', 'FeatureExtraction.num_threads'] : ['SiftExtraction.use_gpu', 'SiftExtraction.num_threads']),
  ],
  sequential_matcher: [
    'database_path',
    'SequentialMatching.overlap',
    'SequentialMatching.quadratic_overlap',
    'SequentialMatching.loop_detection',
    ...(modern
      ? ['FeatureMatching.use_gpu', 'FeatureMatching.num_threads', 'TwoViewGeometry.max_num_trials']
      : ['SiftMatching.use_gpu', 'SiftMatching.num_threads', 'SiftMatching.max_num_trials']),
  ],
  matches_importer: ['database_path', 'match_list_path', 'match_type'],
  bundle_adjuster: ['input_path', 'output_path', 'BundleAdjustment.function_tolerance'],
  point_triangulator: ['database_path', 'image_path', 'input_path', 'output_path', 'clear_points'],
  point_filtering: ['input_path', 'output_path', 'max_reproj_error', 'min_track_len'],
  mapper: [
    'database_path',
    'image_path',
    'output_path',
    'image_list_path',
    'Mapper.num_threads',
    'Mapper.max_num_models',
    'Mapper.ba_refine_focal_length',
    'Mapper.init_min_tri_angle',
    'Mapper.extract_colors',
  ],
}

if (command === '-h') {
  console.log(`COLMAP ${process.env.FAKE_COLMAP_VERSION ?? '3.8'} -- Structure-from-Motion and Multi-View Stereo`)
} else if (args.includes('-h')) {
  console.log(OPTIONS[command].map(option => `  --${option} arg`).join('\n'))
} else {
  const unknown = args.filter(arg => arg.startsWith('--') && !OPTIONS[command].includes(arg.slice(2)))
  if (unknown.length > 0) {
    console.error(`ERROR: Failed to parse options: unrecognised option '${unknown[0]}'`)
    process.exit(1)
  }
  await work()
}

async function work() {
  const prefix = modern ? 'I20261122 12:00:00.000000  1 feature_extraction.cc:254] ' : ''
  if (command === 'feature_extractor') {
    const all = names(value('image_path'))
    for (const [i, name] of all.entries()) {
      console.log(`${prefix}Processed file [${i + 1}/${all.length}]\n  Name:            ${name}\n  Features:        ${mode === 'few' ? 20 : 900}`)
    }
    writeFileSync(value('database_path'), camera(all.length))
  } else if (command === 'sequential_matcher') {
    for (let i = 1; i <= 12; i++) console.log(`Matching image [${i}/12] in 0.1s`)
  } else if (['bundle_adjuster', 'point_triangulator', 'point_filtering'].includes(command)) {
    for (const name of ['cameras.bin', 'images.bin', 'points3D.bin']) copyFileSync(join(value('input_path'), name), join(value('output_path'), name))
  } else if (command === 'mapper') {
    if (mode === 'crash') process.kill(process.pid, 'SIGSEGV')
    const list = args.includes('--image_list_path') ? readFileSync(value('image_list_path'), 'utf8').trim().split('\n') : names(value('image_path'))
    const focal = readFileSync(value('database_path')).readDoubleLE(100)
    appendFileSync(join(dirname(value('database_path')), 'focals.txt'), `${focal}\n`)
    for (let i = 1; i <= list.length; i++) {
      console.log(modern ? `${prefix}Registering image #${i} (num_reg_frames=${i})` : `Registering image #${i} (${i})`)
      if (mode === 'slow') await new Promise(done => setTimeout(done, 300))
    }
    if (mode !== 'static' && mode !== 'few') writeModel(join(value('output_path'), '0'), list, focal)
  }
}

/** As a database keeps it: f, cx, cy somewhere in the file. */
function camera() {
  const bytes = Buffer.alloc(400)
  const [width, height] = (process.env.FAKE_COLMAP_SIZE ?? '96x64').split('x').map(Number)
  const lens = [1.2 * Math.max(width, height), width / 2, height / 2]
  for (const [i, number] of lens.entries()) bytes.writeDoubleLE(number, 100 + 8 * i)
  return bytes
}

/** Cameras on an arc, one point seen by all. The nearer the starting focal length is to 130, the more is seen. */
function writeModel(folder, list, focal) {
  mkdirSync(folder, { recursive: true })
  const [width, height] = (process.env.FAKE_COLMAP_SIZE ?? '96x64').split('x').map(Number)
  const number = (size, write) => {
    const bytes = Buffer.alloc(size)
    write(bytes)
    return bytes
  }
  const u32 = x => number(4, b => b.writeUInt32LE(x))
  const u64 = x => number(8, b => b.writeBigUInt64LE(BigInt(x)))
  const f64 = x => number(8, b => b.writeDoubleLE(x))
  writeFileSync(
    join(folder, 'cameras.bin'),
    Buffer.concat([u64(1), u32(1), u32(0), u64(width), u64(height), f64(130), f64(width / 2), f64(height / 2)]),
  )
  const images = list.map((name, i) => {
    const yaw = 0.6 * (i / Math.max(1, list.length - 1) - 0.5)
    // the camera turns about +y and stays 2 away from the origin, which it looks at
    return Buffer.concat([u32(i + 1), ...[Math.cos(yaw / 2), 0, Math.sin(yaw / 2), 0, 0, 0, 2].map(f64), u32(1), Buffer.from(`${name}\0`), u64(0)])
  })
  writeFileSync(join(folder, 'images.bin'), Buffer.concat([u64(list.length), ...images]))
  const length = 10 + Math.round(100 / (1 + Math.abs(focal - 130)))
  const point = Buffer.concat([u64(1), f64(0.1), f64(0.2), f64(1.5), Buffer.from([9, 9, 9]), f64(0.4), u64(length), Buffer.alloc(8 * length)])
  writeFileSync(join(folder, 'points3D.bin'), Buffer.concat([u64(1), point]))
}
