"""The rows of the contract: every model of gengen at toy size, and all that is known of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gengen.build.averages import exponential
from gengen.core.average import averaged
from gengen.core.model import Condition, GenerativeModel
from gengen.core.state import networks_of
from gengen.core.transforms import scale_by_rate
from gengen.losses.adversarial import ADVERSARIAL_LOSSES
from gengen.losses.likelihood import gaussian, squared_error
from gengen.models.autoencoders.adversarial_autoencoder import adversarial_autoencoder
from gengen.models.autoencoders.autoencoder import autoencoder
from gengen.models.autoencoders.corruption import CORRUPTIONS
from gengen.models.autoencoders.objective import Objective
from gengen.models.autoencoders.priors import PRIORS
from gengen.models.autoencoders.variational import variational
from gengen.models.autoencoders.vector_quantised import vector_quantised
from gengen.models.autoregressive import autoregressive
from gengen.models.diffusion.diffusion import diffusion
from gengen.models.diffusion.drawing import Drawing
from gengen.models.diffusion.latent_diffusion import latent_diffusion
from gengen.models.diffusion.one_step import one_step
from gengen.models.diffusion.one_step_methods import METHODS
from gengen.models.diffusion.variational_diffusion import variational_diffusion
from gengen.models.flows.normalising_flow import normalising_flow
from gengen.models.gans.adversarial import adversarial
from gengen.models.gans.bigan import bigan
from gengen.models.gans.infogan import infogan
from gengen.models.gans.progressive import progressive
from gengen.models.gans.style_based import style_based
from gengen.models.gans.terms import (
    auxiliary_classifier,
    dragan,
    drift,
    feature_matching,
    gradient_penalty,
    orthogonal,
    r1,
    r2,
)
from gengen.models.gans.unrolled import unrolled
from gengen.models.gans.views import augmentation, instance_noise, packing
from gengen.models.translation.adaptation import adaptation
from gengen.models.translation.affine import Affine
from gengen.models.translation.cogan import cogan
from gengen.models.translation.cyclegan import cyclegan
from gengen.models.translation.pairings import PAIRINGS
from gengen.models.translation.pix2pix import pix2pix
from gengen.models.translation.recognition import Consistency
from gengen.networks import (
    biggan,
    classifier,
    coupled,
    dcgan,
    mlp,
    patchgan,
    pixelcnn,
    progan,
    r3gan,
    residual,
    resnet,
    stylegan,
    transformer,
    unet,
)
from gengen.networks.captioned import CaptionedCritic, CaptionedGenerator
from gengen.networks.conditional import ConditionalCritic, ConditionalGenerator
from gengen.networks.denoisers.denoising_mlp import DenoisingMLP
from gengen.networks.denoisers.denoising_unet import DenoisingUNet
from gengen.networks.denoisers.noise_schedule import NoiseSchedule
from gengen.networks.flows import maf
from gengen.networks.layers.norm import BatchNorm
from gengen.samplers.jumps import jumps
from gengen.samplers.samplers import heun

SHAPE = (8, 8, 1)
BATCH = 8
CLASSES = 3
STEPS = 4

PAIR = ("critic", "generator")
AUTOENCODER = {"encode", "decode"}
BAYESIAN = {"sample", "prior"} | AUTOENCODER


class Row(NamedTuple):
    """A model at toy size.

    Attributes:
      builder: one of `gengen.build.model.MODELS`.
      arguments: makes what it is called with.
      can: the capabilities that it has.
      moves: who moves at which of `STEPS` steps.
      second: what its batches hold beside data and labels: "second" for images of another domain, "paired" for a
        second picture of each example, "labelled" for labelled images, "text" for captions.
      shape: of the data.
      at_rest: networks that nobody moves.
      pairs: whether it makes pairs to learn from.
      diffuses: whether its samples come out of noise step by step.
      stage: which of its stages is trained.
      wrapper: what is made of the model.
    """

    builder: Callable[..., GenerativeModel]
    arguments: Callable[[], dict[str, Any]]
    can: set[str]
    moves: Mapping[str, str] = dict.fromkeys(PAIR, "1111")
    second: str = ""
    shape: tuple[int, ...] = SHAPE
    at_rest: frozenset[str] = frozenset()
    pairs: bool = False
    diffuses: bool = False
    stage: int = 0
    wrapper: Callable[[GenerativeModel], GenerativeModel] = lambda model: model

    def build(self) -> GenerativeModel:
        model = self.wrapper(self.builder(**self.arguments()))
        return model._replace(train_step=(model.train_step, *(later.train_step for later in model.stages))[self.stage])

    def rounded(self) -> "Row":
        """The same with products of bfloat16."""

        def arguments() -> dict[str, Any]:
            given = self.arguments()
            networks = {name: network.clone(dtype=jnp.bfloat16) for name, network in given["networks"].items()}
            return {**given, "networks": networks}

        return self._replace(arguments=arguments)


def sgd(rate=0.05):
    return optax.chain(optax.identity(), scale_by_rate(rate))


def gan(generator, critic, **arguments):
    return {
        "networks": {"generator": generator, "critic": critic},
        "optimizers": dict.fromkeys(PAIR, sgd()),
        "latent": 5,
        **arguments,
    }


def mlps(norm="none"):
    return mlp.Generator(SHAPE, widths=(16, 32)), mlp.Critic(widths=(16, 16), norm=norm)


def dcgans():
    return dcgan.Generator(SHAPE, width=4), dcgan.Critic(width=4)


def small_unet(**arguments):
    """With something dropped, whose masks belong to examples."""
    small = {
        "width": 4,
        "multipliers": (1, 2),
        "attention": (1,),
        "heads": 2,
        "embedding": 8,
        "groups": 2,
        "dropout": 0.1,
    }
    return DenoisingUNet(SHAPE, **small, classes=CLASSES, **arguments)


def of_one_step(method, calls=1, **settings):
    """A row of a method that leaps, half of a device's two examples over a span where it tells them apart.

    A perceptron, because jvp and halves of a U-Net take half a minute to compile.
    """
    network = DenoisingMLP(SHAPE, width=8, blocks=1, embedding=8, dropout=0.1, classes=CLASSES)

    def arguments():
        return {
            "networks": {"denoiser": network},
            "optimizers": {"denoiser": sgd()},
            "bounded": True,
            "drawing": Drawing(jumps(calls=calls)),
            "method": METHODS[method](**settings),
            "dropped": 0.3,
        }

    return Row(one_step, arguments, {"sample"}, moves={"denoiser": "1111"}, diffuses=True, wrapper=stirred)


def stirred(model):
    """With parameters that are none of the zeros which a denoiser begins with: it would say the same of everything."""

    def init(key, batch):
        state = model.init(key, batch)
        leaves, tree = jax.tree.flatten(networks_of(state.variables))
        keys = jax.random.split(key, len(leaves))
        moved = [leaf + 0.1 * jax.random.normal(one, leaf.shape) for leaf, one in zip(leaves, keys, strict=True)]
        return state.replace(variables={**state.variables, **jax.tree.unflatten(tree, moved)})

    return model._replace(init=init)


def r3gans():
    """Groups of two, and all convolutions of a block learn from the second step on."""
    small = {"width": 4, "wide": 1, "blocks": 1, "group": 2}
    return r3gan.Generator(SHAPE, **small), r3gan.Critic(**small)


def biggans():
    """A block each, after and before the maps that attend; blocks see an embedding of the class."""
    return biggan.Generator(SHAPE, width=4, wide=1, told=32), biggan.Critic(width=4, wide=1)


def conditional(generator, critic, condition):
    return ConditionalGenerator(generator, CLASSES), ConditionalCritic(critic, CLASSES, condition)


def captioned():
    """Some data of which the critic is told what is said of others."""
    generator, critic = mlps("spectral")
    return gan(
        CaptionedGenerator(generator, 5, features=8),
        CaptionedCritic(critic, 5, width=8),
        loss="hinge",
        critic_steps=1,
        clip=None,
        text=Condition(words=("a", "big", "red", "dot"), length=3, texts=("a big dot", "a red dot")),
        mismatched=0.5,
    )


def noisy_packs():
    """A view that carries something and one that does not."""
    return instance_noise(deviation=0.1, steps=10), packing(size=2)


def of_whole_batches(loss):
    """A row of a loss that looks at the whole batch, with as much else as a row can hold."""
    label = {"real_label": (0.7, 0.9)} if ADVERSARIAL_LOSSES[loss].targets else {}
    given = {"loss": loss, "critic_steps": 1, "clip": None, **label}
    return Row(adversarial, lambda: gan(*mlps(), views=noisy_packs(), **given), SAMPLES)


def adaptive():
    return (augmentation(probability=0.5, target=0.6, pace=50),)


def penalties():
    """Light enough for gradient descent."""
    return *gradient_penalty(weight=0.1), *dragan(weight=0.1)


def averaging(model):
    return averaged(model, taken={"": exponential(0.9)}, networks=("generator",))


def coders(**arguments):
    return {
        "networks": {"encoder": mlp.Encoder(widths=(16,), bounded=True), "decoder": mlp.Decoder(SHAPE, widths=(16,))},
        "optimizers": {"autoencoder": sgd()},
        **arguments,
    }


def penalised_autoencoder():
    corruption = CORRUPTIONS["gaussian"](amount=0.1)
    return coders(likelihood=squared_error(rank=3), corruption=corruption, latent=2, contraction=0.1, sparsity=0.1)


def progressives():
    """The second stage, in whose first four steps the larger level is faded in."""
    networks = {
        "generator": progan.Generator(SHAPE, width=8, wide=2),
        "critic": progan.Critic(width=8, wide=2, deviation=False),
    }
    terms = *gradient_penalty(weight=0.1), *drift(weight=0.1)
    optimizers = {player: sgd() for player in PAIR}
    return {"networks": networks, "optimizers": optimizers, "latent": 4, "fading": 4, "steady": 1, "terms": terms}


def styles():
    """With a penalty of each player once in two steps."""
    networks = {
        "mapping": stylegan.Mapping(width=4, depth=1, rate=1.0),
        "generator": stylegan.Generator(SHAPE, width=4, wide=2),
        "critic": mlp.Critic(widths=(16,)),
    }
    lazy = {"path_every": 2, "path_weight": 0.1, "terms": r1(weight=0.1, every=2)}
    return {"networks": networks, "optimizers": {player: sgd() for player in PAIR}, "latent": 4, **lazy}


def bigans(critics=(), **arguments):
    networks = {
        "generator": mlp.Generator(SHAPE, widths=(16, 16)),
        "encoder": mlp.Encoder(widths=(16, 16), norm="batch", bounded=True),
        **{role: mlp.Critic(widths=(16,)) for role in ("joint_critic", *critics)},
    }
    optimizers = {player: sgd() for player in PAIR}
    return {"networks": networks, "optimizers": optimizers, "latent": 4, **arguments}


def adversarial_autoencoders(prior, **arguments):
    critics = ("critic", *(["category_critic"] if "categories" in arguments else []))
    players = ("autoencoder", "generator", "classifier", *critics)
    given = coders(
        likelihood=squared_error(rank=3),
        prior=prior,
        corruption=CORRUPTIONS["gaussian"](amount=0.1),
        classes=CLASSES,
        latent=2,
        **arguments,
    )
    given["networks"] |= {name: mlp.Critic(widths=(16, 16)) for name in critics}
    return {**given, "optimizers": dict.fromkeys(players, sgd())}


def vqvae():
    return {
        "networks": {
            "encoder": residual.Encoder(8, hidden=4),
            "decoder": residual.Decoder(SHAPE, 8, hidden=4),
            "prior": transformer.Transformer(8, 2, 1),
        },
        "optimizers": {"autoencoder": sgd(), "prior": sgd()},
        "likelihood": squared_error(rank=3),
        "prior_start": STEPS,
        "codes": 6,
        "dimension": 3,
    }


def latents():
    """Codes of 2 x 2 x 3."""
    small = DenoisingMLP(SHAPE, width=8, blocks=1, embedding=8, dropout=0.1, classes=CLASSES)
    return {
        "networks": {
            "encoder": residual.Encoder(8, hidden=4),
            "decoder": residual.Decoder(SHAPE, 8, hidden=4),
            "denoiser": small,
        },
        "optimizers": {"autoencoder": sgd(), "denoiser": sgd()},
        "likelihood": squared_error(rank=3),
        "drawing": Drawing(heun(calls=3), guidance=2.0),
        "diffusion_start": STEPS,
        "dimension": 3,
        "divergence": 0.01,
        "reduction": "mean",
    }


def regression():
    """A translation without a critic, of pairs that the data hold."""
    return {
        "networks": {"to_b": unet.Translator(1, width=4, depth=1, norm="none", dropout=0.0)},
        "optimizers": {"generator": sgd()},
        "pairing": PAIRINGS["given"](),
        "weight": 1.0,
        "adversary": False,
        "residual": True,
        "jitter": 0,
    }


def pix2pixs():
    return {
        "networks": {"to_b": unet.Translator(1, width=4, depth=2), "critic_b": patchgan.Critic(4, layers=0)},
        "optimizers": dict.fromkeys(PAIR, sgd()),
        "pairing": PAIRINGS["masked"](),
        "weight": 1.0,
        "jitter": 2,
    }


def translators(norm):
    """Networks of a game of cycles."""
    translator = resnet.Translator(1, width=4, blocks=0, halvings=0, kernel=3, norm=norm)
    critic = patchgan.Critic(4, layers=0, norm=norm)
    return {"to_a": translator, "to_b": translator, "critic_a": critic, "critic_b": critic}


def cyclegans():
    """A pool that is full before the last step."""
    return {
        "networks": translators("batch"),
        "optimizers": dict.fromkeys(PAIR, sgd(0.02)),
        "cycle": 1.0,
        "pool": BATCH + 2,
        "jitter": 2,
    }


def cogans():
    return {
        "networks": {
            "trunk": coupled.Trunk((16, 16, 1), width=4),
            **{f"head_{name}": coupled.Head((16, 16, 1)) for name in "ab"},
            **{f"stem_{name}": coupled.Stem(4) for name in "ab"},
            "critic": dcgan.Critic(width=4, dense=8),
            "classifier": classifier.Linear(CLASSES),
        },
        "optimizers": dict.fromkeys(PAIR, sgd()),
        "affine": Affine(0.1, 1.0, 0.1),
        "latent": 5,
    }


class Small(nn.Module):
    """A classifier that carries something and takes little time to compile."""

    @nn.compact
    def __call__(self, image, train):
        features = nn.tanh(BatchNorm()(nn.Dense(8)(image.reshape(image.shape[0], -1)), train))
        return features, nn.Dense(CLASSES)(features)


def adaptations():
    """All parts at once."""
    return {
        "networks": {**translators("instance"), "classifier": Small(), "feature_critic": mlp.Critic(widths=(8,))},
        "optimizers": dict.fromkeys((*PAIR, "feature_critic", "classifier"), sgd(0.02)),
        "affine": Affine(0.1, 1.0, 0.1),
        "consistency": Consistency(1.0, threshold=0.3),
        "cycle": 1.0,
        "identity": 0.0,
        "pool": BATCH + 2,
        "feature": 0.5,
    }


SAMPLES = {"sample", "prior", "decode"}
GAN = SAMPLES | {"features"}  # where the critic is shown images, and neither labels nor packs
RECOGNISES = SAMPLES | {"recognise"}
ALONE = {"autoencoder": "1111"}
TWICE = {"critic": "1111", "generator": "0101"}  # two steps of the critic for one of the generator

ROWS = {
    "wgan": Row(adversarial, lambda: gan(*mlps(), loss="wasserstein", critic_steps=2, clip=0.05), GAN, TWICE),
    "gan": Row(adversarial, lambda: gan(*mlps(), loss="non_saturating", critic_steps=1, clip=None), GAN),
    "dcgan": Row(adversarial, lambda: gan(*dcgans(), loss="non_saturating", critic_steps=1, clip=None), GAN),
    "averaged": Row(
        adversarial, lambda: gan(*dcgans(), critic_steps=2, clip=0.05), GAN, moves=TWICE, wrapper=averaging
    ),
    "penalised": Row(
        adversarial, lambda: gan(*mlps("layer"), critic_steps=2, clip=None, terms=penalties()), GAN, moves=TWICE
    ),
    "r3gan": Row(
        adversarial,
        lambda: gan(
            *r3gans(),
            loss="relativistic_pairing",
            critic_steps=1,
            clip=None,
            terms=(*r1(weight=0.1), *r2(weight=0.1)),
        ),
        GAN,
    ),
    "biggan": Row(
        adversarial,
        lambda: gan(
            *conditional(*biggans(), "projection"),
            loss="hinge",
            critic_steps=1,
            clip=None,
            terms=orthogonal(),
            truncation=0.7,
        ),
        SAMPLES,
    ),
    **{name: of_whole_batches(name) for name, loss in ADVERSARIAL_LOSSES.items() if loss.of_batch},
    "matched": Row(
        adversarial,
        lambda: gan(
            *mlps("spectral"),
            loss="hinge",
            critic_steps=1,
            generator_steps=2,
            clip=None,
            views=adaptive(),
            terms=feature_matching(),
        ),
        GAN,
        moves={"critic": "1010", "generator": "1111"},
    ),
    "projection": Row(
        adversarial,
        lambda: gan(*conditional(*mlps("spectral"), "projection"), loss="hinge", critic_steps=1, clip=None, terms=r1()),
        SAMPLES,
    ),
    "captioned": Row(adversarial, captioned, SAMPLES, second="text"),
    "auxiliary": Row(
        adversarial,
        lambda: gan(
            *conditional(*dcgans(), "auxiliary"),
            loss="minimax",
            critic_steps=1,
            clip=None,
            terms=auxiliary_classifier(),
        ),
        SAMPLES,
    ),
    "infogan": Row(infogan, lambda: gan(*dcgans(), categories=3, continuous=2), GAN | RECOGNISES),
    "unrolled": Row(unrolled, lambda: gan(*mlps(), unroll=2), GAN),
    "autoencoder": Row(autoencoder, penalised_autoencoder, AUTOENCODER, moves=ALONE),
    "variational": Row(
        variational,
        lambda: coders(likelihood=gaussian(rank=len(SHAPE)), objective=Objective("iwae", 2), latents=(2,)),
        BAYESIAN | {"log_likelihood"},
        moves=ALONE,
    ),
    "progressive": Row(progressive, progressives, GAN, stage=1),
    "style_based": Row(
        style_based,
        styles,
        GAN,
        moves={**dict.fromkeys(PAIR, "1111"), "path": "1010", "critic_r1": "1010"},
    ),
    "bigan": Row(bigan, lambda: bigans(prior=PRIORS["uniform"]()), BAYESIAN),
    "bigbigan": Row(
        bigan,
        lambda: bigans(("critic", "latent_critic"), prior=PRIORS["gaussian"](), loss="hinge", stochastic=True),
        BAYESIAN,
    ),
    "aae": Row(adversarial_autoencoder, lambda: adversarial_autoencoders(PRIORS["gaussian"]()), BAYESIAN),
    "aae_mixture": Row(
        adversarial_autoencoder,
        lambda: adversarial_autoencoders(PRIORS["mixture"](components=CLASSES), label_aware=True),
        BAYESIAN,
    ),
    "aae_cluster": Row(
        adversarial_autoencoder,
        lambda: adversarial_autoencoders(PRIORS["gaussian"](), categories=4),
        BAYESIAN | RECOGNISES,
    ),
    "aae_semi": Row(
        adversarial_autoencoder,
        lambda: adversarial_autoencoders(PRIORS["gaussian"](), categories=CLASSES, semi_supervised=True),
        BAYESIAN | RECOGNISES,
        second="labelled",
    ),
    "vqvae": Row(vector_quantised, vqvae, BAYESIAN, moves=ALONE, at_rest=frozenset({"prior"})),
    "vqvae_prior": Row(
        vector_quantised, vqvae, BAYESIAN, {"prior": "1111"}, at_rest=frozenset({"encoder", "decoder"}), stage=1
    ),
    "flow": Row(
        normalising_flow,
        lambda: {
            "networks": {"flow": maf.MAF(SHAPE, width=4, hidden=1, layers=1)},
            "optimizers": {"flow": sgd()},
            "levels": 256,
        },
        BAYESIAN | {"log_likelihood"},
        moves={"flow": "1111"},
    ),
    "pixelcnn": Row(
        autoregressive,
        lambda: {
            "networks": {"predictor": pixelcnn.PixelCNN(SHAPE, width=4, dilations=(1,), reach=1, hidden=4)},
            "optimizers": {"predictor": sgd()},
            "levels": 256,
            "head": "dual_softmax",
        },
        {"sample", "log_likelihood"},
        moves={"predictor": "1111"},
    ),
    "diffusion": Row(
        diffusion,
        lambda: {
            "networks": {"denoiser": small_unet()},
            "optimizers": {"denoiser": sgd()},
            "bounded": True,
            "levels": 256,
            "drawing": Drawing(heun(calls=3), guidance=2.0, clip=True),
        },
        {"sample"},
        moves={"denoiser": "1111"},
        diffuses=True,
        wrapper=stirred,
    ),
    "variational_diffusion": Row(
        variational_diffusion,
        lambda: {
            "networks": {
                "denoiser": DenoisingMLP(SHAPE, width=8, blocks=1, embedding=8, dropout=0.1, classes=CLASSES),
                "schedule": NoiseSchedule(4),
            },
            "optimizers": {"denoiser": sgd()},
            "levels": 256,
            "drawing": Drawing(heun(calls=3), guidance=2.0, clip=True),
            "dropped": 0.3,
        },
        {"sample", "log_likelihood"},
        moves={"denoiser": "1111"},
        diffuses=True,
        wrapper=stirred,
    ),
    "latents": Row(
        latent_diffusion,
        latents,
        BAYESIAN,
        moves=ALONE,
        at_rest=frozenset({"denoiser"}),
        diffuses=True,
        wrapper=stirred,
    ),
    "latents_denoised": Row(
        latent_diffusion,
        latents,
        BAYESIAN,
        {"denoiser": "1111"},
        at_rest=frozenset({"encoder", "decoder"}),
        stage=1,
        diffuses=True,
        wrapper=stirred,
    ),
    "mean_flow": of_one_step("mean_flow", every=2, guidance=2.0, mixed=0.5),
    "shortcut": of_one_step("shortcut", every=2, guidance=2.0),
    "consistency": of_one_step("consistency", calls=2, doubling=2),
    "drifting": of_one_step("drifting"),
    "pix2pix": Row(pix2pix, pix2pixs, {"translate"}, pairs=True),
    "regression": Row(pix2pix, regression, {"translate"}, {"generator": "1111"}, second="paired", pairs=True),
    "cyclegan": Row(cyclegan, cyclegans, {"translate"}, second="second"),
    "cogan": Row(cogan, cogans, RECOGNISES, second="second", shape=(16, 16, 1)),
    "adaptation": Row(
        adaptation,
        adaptations,
        {"translate", "recognise"},
        dict.fromkeys((*PAIR, "feature_critic", "classifier"), "1111"),
        second="second",
    ),
}

ROUNDED = {f"{name} in bfloat16": ROWS[name].rounded() for name in ("wgan", "dcgan")}
"""Rows that are held to what differs in another arithmetic: that a run goes on as it would have gone on."""
