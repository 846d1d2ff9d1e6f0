"""Small networks of transformers of many kinds, with random weights, and what each is called with.

`library_runs.py` measures them: a measured process imports this module by its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

IDS = "input_ids=1x32:int64:3..199"
MASK = "attention_mask=1x32:int64:1..1"
DECODER_IDS = "decoder_input_ids=1x8:int64:3..199"
WAVE = "input_values=1x8000"
SMALL: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "embed_dim", "dim", "d_embed", "emb_dim"), 64),
    "embedding_size": 64,
    **dict.fromkeys(("num_hidden_layers", "encoder_layers", "decoder_layers", "num_layers", "n_layer", "n_layers"), 2),
    **dict.fromkeys(("num_decoder_layers", "num_encoder_layers", "num_hidden_groups"), 2),
    **dict.fromkeys(("num_attention_heads", "encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim"), 128),
    **dict.fromkeys(("d_ff", "dff", "d_inner"), 128),
    **dict.fromkeys(("vocab_size", "src_vocab_size", "tgt_vocab_size"), 200),
    "num_key_value_heads": 2,
}  # fmt: skip
"""What most configurations call their sizes; a model gets those that its own configuration has."""


@dataclass(frozen=True)
class Model:
    """A class of transformers, its settings besides SMALL, and the texts of its inputs."""

    kind: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Any]


def model(kind: str, *inputs: str, **settings: Any) -> Model:
    return Model(kind, inputs, settings)


def text(kind: str, **settings: Any) -> Model:
    return Model(kind, (IDS,), settings)


def pair(kind: str, **settings: Any) -> Model:
    """Return a model of an encoder and a decoder."""
    return Model(kind, (IDS, DECODER_IDS), settings)


def image(kind: str, size: int = 64, **settings: Any) -> Model:
    sized = {"image_size": size} if settings.pop("sized", False) else {}
    return Model(kind, (f"pixel_values=1x3x{size}x{size}",), {**sized, **settings})


def vision(size: int = 32, **settings: Any) -> dict[str, Any]:
    """Return the settings of a vision tower that is part of a larger model."""
    return {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
            "image_size": size, "patch_size": 8, **settings}  # fmt: skip


def words(**settings: Any) -> dict[str, Any]:
    """Return the settings of a text tower that is part of a larger model."""
    return {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
            "vocab_size": 200, **settings}  # fmt: skip


MODELS: Mapping[str, Model] = {
    # encoders of text
    "bert": model("BertModel", IDS, MASK),
    "roberta": text("RobertaForMaskedLM"),
    "albert": text("AlbertModel"),
    "electra": text("ElectraForTokenClassification"),
    "distilbert": text("DistilBertForSequenceClassification", hidden_dim=128),
    "deberta": text("DebertaModel", relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "deberta-v2": text("DebertaV2Model", relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "mpnet": text("MPNetModel"),
    "funnel": text("FunnelModel", block_sizes=[1, 1], d_head=16),
    "fnet": text("FNetModel"),
    "longformer": text("LongformerModel", attention_window=8),
    "big-bird": text("BigBirdModel", attention_type="original_full"),
    "convbert": text("ConvBertModel"),
    "squeezebert": text("SqueezeBertModel"),
    "nystromformer": text("NystromformerModel", num_landmarks=8, segment_means_seq_len=32),
    "yoso": text("YosoModel", use_expectation=True),
    "mobilebert": text("MobileBertModel", intra_bottleneck_size=32, embedding_size=32),
    "canine": model("CanineModel", "input_ids=1x64:int64:3..199"),
    "roformer": text("RoFormerModel"),
    "rembert": text("RemBertModel", input_embedding_size=32, output_embedding_size=32),
    "ibert": text("IBertModel"),
    "xlnet": text("XLNetModel"),
    "modernbert": text("ModernBertModel", pad_token_id=0),
    "luke": text("LukeModel", entity_vocab_size=50),
    "esm": text("EsmModel", vocab_size=200, pad_token_id=1, mask_token_id=2),
    "layoutlm": model("LayoutLMModel", IDS, "bbox=1x32x4:int64:0..0"),
    "tapas": text("TapasModel"),
    "reformer": text(
        "ReformerModel",
        attn_layers=["local", "lsh"],
        local_attn_chunk_length=8,
        lsh_attn_chunk_length=8,
        axial_pos_shape=[4, 8],
        axial_pos_embds_dim=[32, 32],
        feed_forward_size=128,
        num_buckets=4,
        hash_seed=0,
        attention_head_size=16,
    ),
    "mra": text("MraModel"),
    # decoders of text
    "gpt2": text("GPT2LMHeadModel"),
    "gpt-neo": text("GPTNeoForCausalLM", attention_types=[[["global", "local"], 1]]),
    "gptj": text("GPTJForCausalLM", rotary_dim=8),
    "gpt-neox": text("GPTNeoXForCausalLM"),
    "gpt-bigcode": text("GPTBigCodeForCausalLM"),
    "opt": text("OPTForCausalLM", word_embed_proj_dim=64),
    "bloom": text("BloomForCausalLM"),
    "llama": text("LlamaForCausalLM"),
    "mistral": text("MistralForCausalLM", sliding_window=16),
    "gemma": text("GemmaForCausalLM", head_dim=16),
    "gemma2": text("Gemma2ForCausalLM", head_dim=16),
    "gemma3": text("Gemma3ForCausalLM", head_dim=16),
    "qwen2": text("Qwen2ForCausalLM"),
    "qwen3": text("Qwen3ForCausalLM", head_dim=16),
    "phi": text("PhiForCausalLM"),
    "phi3": text("Phi3ForCausalLM", pad_token_id=0),
    "falcon": text("FalconForCausalLM"),
    "stablelm": text("StableLmForCausalLM"),
    "olmo2": text("Olmo2ForCausalLM"),
    "cohere": text("CohereForCausalLM"),
    "starcoder2": text("Starcoder2ForCausalLM"),
    "mpt": text("MptForCausalLM"),
    "codegen": text("CodeGenForCausalLM", rotary_dim=8),
    "biogpt": text("BioGptForCausalLM"),
    "xglm": text("XGLMForCausalLM", attention_heads=4),
    "ctrl": text("CTRLLMHeadModel"),
    "openai-gpt": text("OpenAIGPTLMHeadModel"),
    "nemotron": text("NemotronForCausalLM", head_dim=16, num_key_value_heads=2),
    "smollm3": text("SmolLM3ForCausalLM", pad_token_id=0),
    # mixtures of experts
    "mixtral": text("MixtralForCausalLM", num_local_experts=4),
    "qwen2-moe": text(
        "Qwen2MoeForCausalLM", num_experts=4, moe_intermediate_size=32, shared_expert_intermediate_size=64
    ),
    "qwen3-moe": text(
        "Qwen3MoeForCausalLM", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, head_dim=16
    ),
    "olmoe": text("OlmoeForCausalLM", num_experts=4, num_experts_per_tok=2),
    "phimoe": text("PhimoeForCausalLM", num_local_experts=4),
    "deepseek-v3": text(
        "DeepseekV3ForCausalLM",
        n_routed_experts=8,
        n_group=2,
        topk_group=1,
        num_experts_per_tok=2,
        moe_intermediate_size=32,
        first_k_dense_replace=1,
        kv_lora_rank=16,
        q_lora_rank=16,
        qk_rope_head_dim=8,
        v_head_dim=16,
        qk_nope_head_dim=8,
        num_key_value_heads=4,
    ),
    "granitemoe": text("GraniteMoeForCausalLM", num_local_experts=4, num_experts_per_tok=2),
    "jetmoe": text("JetMoeForCausalLM", kv_channels=16, num_key_value_heads=2, num_local_experts=4),
    "gpt-oss": text("GptOssForCausalLM", num_local_experts=4, num_experts_per_tok=2, head_dim=16),
    "switch-transformers": pair("SwitchTransformersForConditionalGeneration", d_kv=16, num_experts=4),
    # state spaces and recurrence
    "mamba": text("MambaForCausalLM"),
    "mamba2": text("Mamba2ForCausalLM", num_heads=8, head_dim=16, state_size=16, n_groups=2, chunk_size=16),
    "falcon-mamba": text("FalconMambaForCausalLM"),
    "jamba": text(
        "JambaForCausalLM",
        num_hidden_layers=4,
        attn_layer_period=2,
        attn_layer_offset=1,
        expert_layer_period=2,
        num_experts=4,
        use_mamba_kernels=False,
        mamba_d_state=8,
        mamba_dt_rank=8,
    ),
    "bamba": text(
        "BambaForCausalLM",
        attn_layer_indices=[1],
        mamba_n_heads=8,
        mamba_d_head=16,
        mamba_d_state=16,
        mamba_chunk_size=16,
    ),
    "rwkv": text("RwkvForCausalLM", attention_hidden_size=64),
    "recurrent-gemma": text(
        "RecurrentGemmaForCausalLM", num_hidden_layers=3, lru_width=64, attention_window_size=16, head_dim=16
    ),
    # encoders with decoders
    "t5": pair("T5ForConditionalGeneration", d_kv=16),
    "umt5": pair("UMT5ForConditionalGeneration", d_kv=16),
    "bart": pair("BartForConditionalGeneration"),
    "mbart": pair("MBartForConditionalGeneration"),
    "pegasus": pair("PegasusForConditionalGeneration"),
    "pegasus-x": pair("PegasusXForConditionalGeneration", block_size=8, num_global_tokens=4),
    "marian": pair("MarianMTModel", pad_token_id=1, decoder_start_token_id=2),
    "blenderbot-small": pair("BlenderbotSmallForConditionalGeneration"),
    "led": pair("LEDForConditionalGeneration", attention_window=8),
    "longt5": pair("LongT5ForConditionalGeneration", d_kv=16, local_radius=4),
    "prophetnet": pair(
        "ProphetNetForConditionalGeneration", num_encoder_attention_heads=4, num_decoder_attention_heads=4
    ),
    "m2m-100": pair("M2M100ForConditionalGeneration"),
    # sound
    "wav2vec2": model("Wav2Vec2ForCTC", WAVE),
    "hubert": model("HubertModel", WAVE),
    "wavlm": model("WavLMModel", WAVE),
    "sew": model("SEWModel", WAVE, squeeze_factor=2),
    "unispeech": model("UniSpeechModel", WAVE),
    "data2vec-audio": model("Data2VecAudioModel", WAVE),
    "wav2vec2-conformer": model("Wav2Vec2ConformerModel", WAVE),
    "wav2vec2-bert": model("Wav2Vec2BertModel", "input_features=1x50x160"),
    "whisper": model(
        "WhisperForConditionalGeneration",
        "input_features=1x80x100",
        DECODER_IDS,
        max_source_positions=50,
        pad_token_id=0,
    ),
    "moonshine": model("MoonshineForConditionalGeneration", WAVE, DECODER_IDS),
    "speech-to-text": model("Speech2TextForConditionalGeneration", "input_features=1x100x80", DECODER_IDS),
    "audio-spectrogram-transformer": model("ASTForAudioClassification", "input_values=1x128x128", max_length=128),
    "encodec": model("EncodecModel", "input_values=1x1x8000"),
    "clap": model(
        "ClapModel",
        IDS,
        "input_features=1x1x128x64",
        "is_longer=1x1:bool",
        text_config=words(),
        audio_config={
            "num_mel_bins": 64,
            "spec_size": 256,
            "depths": [1, 1],
            "patch_embeds_hidden_size": 32,
            "num_attention_heads": [2, 4],
            "hidden_size": 64,
        },
        projection_dim=32,
    ),
    # images, one label or features
    "vit": image("ViTForImageClassification", sized=True, patch_size=16),
    "deit": image("DeiTModel", sized=True),
    "beit": image("BeitModel", sized=True, use_relative_position_bias=True),
    "swin": image("SwinModel", 64, sized=True, embed_dim=32, depths=[1, 1], num_heads=[2, 4], window_size=4),
    "swinv2": image("Swinv2Model", 64, sized=True, embed_dim=32, depths=[1, 1], num_heads=[2, 4], window_size=4),
    "dinov2": image("Dinov2Model", 56, sized=True, patch_size=14),
    "dinov3-vit": image("DINOv3ViTModel", sized=True),
    "hiera": image("HieraModel", 224, embed_dim=48, depths=[1, 1, 2, 1]),
    "convnext": image("ConvNextModel"),
    "resnet": image("ResNetForImageClassification"),
    "bit": image("BitModel"),
    "mobilenet-v1": image("MobileNetV1Model"),
    "mobilenet-v2": image("MobileNetV2Model"),
    "efficientnet": image("EfficientNetModel"),
    "mobilevit": image("MobileViTForImageClassification"),
    "mobilevitv2": image("MobileViTV2Model"),
    "focalnet": image("FocalNetModel", embed_dim=32, depths=[1, 1, 2, 1]),
    "swiftformer": image("SwiftFormerModel", 224),
    "regnet": image("RegNetModel"),
    "pvt": image("PvtModel", sized=True),
    "vit-mae": image("ViTMAEModel", sized=True),
    "imagegpt": model("ImageGPTModel", "input_ids=1x64:int64:0..199"),
    # images: masks, boxes, depth, other images
    "segformer": image("SegformerForSemanticSegmentation"),
    "upernet": image(
        "UperNetForSemanticSegmentation",
        backbone_config=("SwinConfig", {"embed_dim": 24, "out_features": ["stage1", "stage2", "stage3", "stage4"]}),
    ),
    "mask2former": image("Mask2FormerForUniversalSegmentation", 96, num_queries=10, decoder_layers=3),
    "maskformer": image("MaskFormerForInstanceSegmentation", 96),
    "detr": image(
        "DetrForObjectDetection",
        96,
        use_timm_backbone=False,
        backbone_config=("ResNetConfig", {"out_features": ["stage4"]}),
    ),
    "conditional-detr": image(
        "ConditionalDetrForObjectDetection",
        96,
        use_timm_backbone=False,
        backbone_config=("ResNetConfig", {"out_features": ["stage4"]}),
    ),
    "deformable-detr": image(
        "DeformableDetrForObjectDetection",
        96,
        use_timm_backbone=False,
        num_queries=10,
        backbone_config=("ResNetConfig", {"out_features": ["stage2", "stage3", "stage4"]}),
    ),
    "dab-detr": image(
        "DabDetrForObjectDetection",
        96,
        use_timm_backbone=False,
        backbone_config=("ResNetConfig", {"out_features": ["stage4"]}),
    ),
    "rt-detr": image("RTDetrForObjectDetection", 96, num_queries=10),
    "d-fine": image("DFineForObjectDetection", 96, num_queries=10),
    "yolos": image("YolosForObjectDetection", 64, image_size=[64, 64], num_detection_tokens=10),
    "dpt": image(
        "DPTForDepthEstimation",
        sized=True,
        is_hybrid=False,
        num_hidden_layers=4,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
    ),
    "glpn": image("GLPNForDepthEstimation"),
    "depth-anything": image(
        "DepthAnythingForDepthEstimation",
        56,
        backbone_config=(
            "Dinov2Config",
            {
                "hidden_size": 64,
                "num_hidden_layers": 4,
                "num_attention_heads": 4,
                "image_size": 56,
                "out_indices": [1, 2, 3, 4],
                "reshape_hidden_states": False,
                "apply_layernorm": True,
            },
        ),
        reassemble_hidden_size=64,
        neck_hidden_sizes=[16, 16, 32, 32],
        fusion_hidden_size=16,
    ),
    "swin2sr": image(
        "Swin2SRForImageSuperResolution", 32, sized=True, embed_dim=24, depths=[1, 1], num_heads=[2, 2], window_size=4
    ),
    "superpoint": image("SuperPointForKeypointDetection", 64),
    "vitmatte": model(
        "VitMatteForImageMatting",
        "pixel_values=1x4x64x64",
        backbone_config=(
            "VitDetConfig",
            {
                "hidden_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "image_size": 64,
                "num_channels": 4,
                "out_features": ["stage2"],
            },
        ),
        hidden_size=64,
        fusion_hidden_sizes=[32, 16, 16, 8],
        convstream_hidden_sizes=[8, 8, 16],
    ),
    "sam": model(
        "SamModel",
        "pixel_values=1x3x64x64",
        "input_points=1x1x2x2",
        vision_config=vision(64, output_channels=32, num_pos_feats=16, global_attn_indexes=[1]),
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 8, "image_embedding_size": 8},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32},
    ),
    # videos
    "videomae": model("VideoMAEModel", "pixel_values=1x8x3x32x32", image_size=32, num_frames=8),
    "timesformer": model("TimesformerModel", "pixel_values=1x4x3x32x32", image_size=32, num_frames=4),
    "vivit": model("VivitModel", "pixel_values=1x4x3x32x32", image_size=32, num_frames=4, tubelet_size=[2, 16, 16]),
    # images with text
    "clip": model(
        "CLIPModel", IDS, "pixel_values=1x3x32x32", text_config=words(), vision_config=vision(), projection_dim=32
    ),
    "siglip": model(
        "SiglipModel",
        "input_ids=1x32:int64:3..199",
        "pixel_values=1x3x32x32",
        text_config=words(),
        vision_config=vision(),
    ),
    "altclip": model(
        "AltCLIPModel",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(project_dim=64),
        vision_config=vision(),
        projection_dim=64,
    ),
    "chinese-clip": model(
        "ChineseCLIPModel",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(),
        vision_config=vision(),
        projection_dim=32,
    ),
    "align": model("AlignModel", IDS, "pixel_values=1x3x64x64", text_config=words()),
    "groupvit": model(
        "GroupViTModel",
        IDS,
        "pixel_values=1x3x64x64",
        text_config=words(),
        vision_config={
            "image_size": 64,
            "patch_size": 8,
            "hidden_size": 64,
            "depths": [1, 1, 1],
            "num_hidden_layers": 3,
            "num_group_tokens": [8, 4, 0],
            "num_output_groups": [8, 4, 0],
            "num_attention_heads": 4,
            "intermediate_size": 128,
        },
        projection_dim=32,
        projection_intermediate_dim=64,
    ),
    "clipseg": model(
        "CLIPSegForImageSegmentation",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(),
        vision_config=vision(num_hidden_layers=3),
        projection_dim=32,
        extract_layers=[0, 1, 2],
        reduce_dim=16,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    ),
    "owlvit": model(
        "OwlViTForObjectDetection",
        "input_ids=1x16:int64:3..199",
        "pixel_values=1x3x32x32",
        text_config=words(),
        vision_config=vision(),
        projection_dim=64,
    ),
    "blip": model(
        "BlipForConditionalGeneration",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(encoder_hidden_size=64),
        vision_config=vision(),
        projection_dim=32,
    ),
    "vilt": model("ViltModel", IDS, "pixel_values=1x3x64x64", image_size=64, patch_size=16),
    "bridgetower": model(
        "BridgeTowerModel",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(),
        vision_config=vision(),
        num_hidden_layers=2,
    ),
    "git": model("GitForCausalLM", IDS, "pixel_values=1x3x32x32", vision_config=vision()),
    "visual-bert": model("VisualBertModel", IDS, "visual_embeds=1x4x32", visual_embedding_dim=32),
    "lxmert": model(
        "LxmertModel",
        IDS,
        "visual_feats=1x4x32",
        "visual_pos=1x4x4",
        visual_feat_dim=32,
        l_layers=1,
        r_layers=1,
        x_layers=1,
    ),
    "flava": model(
        "FlavaModel",
        IDS,
        "pixel_values=1x3x32x32",
        text_config=words(),
        image_config=vision(),
        multimodal_config={
            "hidden_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "intermediate_size": 128,
        },
        hidden_size=64,
        projection_dim=32,
    ),
    # others
    "perceiver": model(
        "PerceiverForMaskedLM",
        "inputs=1x64:int64:3..199",
        num_latents=16,
        d_latents=64,
        num_self_attends_per_block=2,
        num_self_attention_heads=4,
        num_cross_attention_heads=4,
        max_position_embeddings=64,
    ),
    "decision-transformer": model(
        "DecisionTransformerModel",
        "states=1x8x17",
        "actions=1x8x4",
        "rewards=1x8x1",
        "returns_to_go=1x8x1",
        "timesteps=1x8:int64:0..99",
    ),
    "patchtst": model(
        "PatchTSTForPrediction",
        "past_values=1x64x3",
        num_input_channels=3,
        context_length=64,
        prediction_length=8,
        patch_length=8,
        patch_stride=8,
    ),
    "patchtsmixer": model(
        "PatchTSMixerForPrediction",
        "past_values=1x64x3",
        num_input_channels=3,
        context_length=64,
        prediction_length=8,
        patch_length=8,
        patch_stride=8,
    ),
    "time-series-transformer": model(
        "TimeSeriesTransformerModel",
        "past_values=1x31",
        "past_time_features=1x31x2",
        "past_observed_mask=1x31",
        "future_values=1x8",
        "future_time_features=1x8x2",
        prediction_length=8,
        context_length=24,
        num_time_features=2,
        lags_sequence=[1, 2, 7],
    ),
    "informer": model(
        "InformerModel",
        "past_values=1x31",
        "past_time_features=1x31x2",
        "past_observed_mask=1x31",
        "future_values=1x8",
        "future_time_features=1x8x2",
        prediction_length=8,
        context_length=24,
        num_time_features=2,
        lags_sequence=[1, 2, 7],
    ),
    "autoformer": model(
        "AutoformerModel",
        "past_values=1x31",
        "past_time_features=1x31x2",
        "past_observed_mask=1x31",
        "future_values=1x8",
        "future_time_features=1x8x2",
        prediction_length=8,
        context_length=24,
        num_time_features=2,
        lags_sequence=[1, 2, 7],
    ),
    "timesfm": model(
        "TimesFmModel",
        "past_values=1x64",
        "past_values_padding=1x64:int64:0..0",
        "freq=1x1:int64:0..0",
        head_dim=16,
        patch_length=8,
    ),
}


def transformer(name: str) -> torch.nn.Module:
    """Return a network of MODELS."""
    import transformers

    chosen = MODELS[name]
    kind = getattr(transformers, chosen.kind)
    parts = {key: _part(value) for key, value in chosen.settings.items()}
    usual = vars(kind.config_class())  # not the properties, which are other names for these
    sizes = {key: value for key, value in SMALL.items() if isinstance(usual.get(key), int)}
    network: torch.nn.Module = kind(kind.config_class(**{**sizes, **parts}))
    return network


def published(name: str) -> torch.nn.Module:
    """Return a network of `library_costs.py`, which takes an image."""
    from library_costs import NETWORKS

    return next(each for each in NETWORKS if each.name == name).build()


def _part(value: Any) -> Any:
    """Return a setting; a pair of a configuration's name and its settings is that configuration."""
    import transformers

    is_part = isinstance(value, tuple)
    return getattr(transformers, value[0])(**value[1]) if is_part else value
