// The images that tests of the Compose runtime use (.ci/compose/images), in this process's environment.
#pragma once

namespace obsctl::tests {

/// Makes the images and sets the variables that name them. False, with a line that says why, where containers
/// cannot be tried; in CI they have to be.
bool compose_images_are_here();

}  // namespace obsctl::tests
